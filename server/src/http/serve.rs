//! Listens on both ports until told to stop.
//!
//! Invariant: after the signal no connection is accepted, running requests and jobs end, the log is written,
//! the database is shut down.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::{HeaderName, Method};
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

use super::app::App;
use super::entry;

/// How long running requests may take after the signal.
const GRACE: Duration = Duration::from_secs(20);

/// How long no connection is accepted after one could not be.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The addresses that are listened on.
#[derive(Debug, Clone, Copy)]
pub struct Running {
    /// The `/v0` API.
    pub api: SocketAddr,
    /// ClickHouse's interface.
    pub native: Option<SocketAddr>,
}

/// Serves until `stop` completes. `ready` hears where.
///
/// # Errors
/// When a port cannot be had.
pub async fn serve(
    app: Arc<App>,
    ready: impl FnOnce(Running),
    stop: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let config = &app.config;
    let api = TcpListener::bind((config.host, config.port)).await?;
    let native = match config.clickhouse_port {
        Some(port) => Some(TcpListener::bind((config.host, port)).await?),
        None => None,
    };
    let addresses = Running {
        api: api.local_addr()?,
        native: native.as_ref().map(TcpListener::local_addr).transpose()?,
    };
    app.workspaces.begin(&app)?;
    let (sender, receiver) = watch::channel(false);
    let head_time = config.limits.head_time;
    let small = SizeAbove::new(1024)
        .and(NotForContentType::const_new(
            "application/vnd.apache.parquet",
        ))
        .and(NotForContentType::SSE);
    let api_router = Router::new()
        .fallback(entry::api)
        .layer(CompressionLayer::new().gzip(true).compress_when(small))
        .layer(cors())
        .with_state(Arc::clone(&app));
    let native_router = Router::new()
        .fallback(entry::native)
        .layer(cors())
        .with_state(Arc::clone(&app));
    let api_task = tokio::spawn(listen(api, api_router, head_time, receiver.clone()));
    let native_task = native.map(|l| tokio::spawn(listen(l, native_router, head_time, receiver)));
    ready(addresses);
    stop.await;
    tracing::info!("stopping");
    let _ = sender.send(true);
    app.live.close();
    let ended = async {
        let _ = api_task.await;
        if let Some(task) = native_task {
            let _ = task.await;
        }
    };
    if tokio::time::timeout(GRACE, ended).await.is_err() {
        tracing::warn!("some requests did not end within {GRACE:?}");
    }
    let closing = tokio::task::spawn_blocking(move || {
        app.workspaces.close();
        if let Err(e) = app.store().database().engine().shutdown() {
            tracing::error!("cannot shut the database down: {e}");
        }
    });
    let _ = closing.await;
    Ok(())
}

async fn listen(
    listener: TcpListener,
    router: Router,
    head_time: Duration,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let router = router.clone().layer(Extension(ConnectInfo(peer)));
                connections.spawn(connection(stream, router, head_time, stop.clone()));
            }
            Err(e) => {
                // Too many open files, mostly: others will close.
                tracing::warn!("cannot accept a connection: {e}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Completes with the signal.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Serves one connection until it ends, or until its request has ended after the signal.
async fn connection(
    stream: TcpStream,
    router: Router,
    head_time: Duration,
    mut stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(head_time);
    let service = TowerToHyperService::new(router);
    let mut serving = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = stopped(&mut stop) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(e) = ended {
        tracing::debug!("a connection broke off: {e}");
    }
}

/// Browsers may call from anywhere: a token is needed anyway.
fn cors() -> CorsLayer {
    let exposed = [
        "x-clickhouse-summary",
        "x-clickhouse-query-id",
        "x-clickhouse-format",
    ];
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::DELETE,
            Method::OPTIONS,
        ])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(exposed.map(HeaderName::from_static))
}
