//! JWTs: `data/jwt.txt` has one case a line.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::inside::Inside;

const CASES: &str = include_str!("data/jwt.txt");

fn server() -> Inside {
    let server = Inside::new();
    server.data_source("t", "`org` String, `n` UInt32", "a,1\nb,2\na,3\n");
    server.data_source("e", "`n` UInt32 `json:$.n`", "");
    let node = "%\nSELECT org, sum(n) AS n FROM t {% if defined(org) %}WHERE org = {{ String(org) }}{% end %} GROUP BY org ORDER BY org";
    server.pipe("p", node);
    server.pipe("deep", "SELECT * FROM p");
    server
}

fn sign(header: &str, payload: &str, key: &str) -> String {
    let (header, payload) = (
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload),
    );
    let signed = format!("{header}.{payload}");
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    format!(
        "{signed}.{}",
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    )
}

/// The text with the change that a case asks for.
fn changed(jwt: &str, change: &str) -> String {
    let (head, signature) = jwt.rsplit_once('.').unwrap();
    let (header, payload) = head.split_once('.').unwrap();
    let other = |text: &str| {
        let decoded = String::from_utf8(URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
        URL_SAFE_NO_PAD.encode(decoded.replace("other", "p").replace("JWT", "jwt"))
    };
    match change {
        "" => jwt.to_owned(),
        "unsigned" => format!("{head}."),
        "payload" => format!("{header}.{}.{signature}", other(payload)),
        "header" => format!("{}.{payload}.{signature}", other(header)),
        "cut" => jwt[..jwt.len() - 4].to_owned(),
        "longer" => format!("{jwt}AAAA"),
        "padded" => format!("{jwt}="),
        "fourth" => format!("{jwt}.AAAA"),
        "two" => head.to_owned(),
        "badheader" => format!("eyJ!.{payload}.{signature}"),
        "badpayload" => format!("{header}.%%%.{signature}"),
        "blank" => format!("{header}. {payload}.{signature}"),
        "huge" => format!("{header}.{}.{signature}", "A".repeat(4 << 20)),
        other => panic!("unknown change {other}"),
    }
}

#[test]
fn a_jwt_is_worth_what_it_says_and_no_more() {
    let (server, theirs) = (server(), Inside::new());
    let workspace = server.app.project.workspace().id.clone();
    let now = (roost_server::store::now_micros() / 1_000_000).to_string();
    let (mut count, mut wrong) = (0, Vec::new());
    for line in CASES.lines().filter(|l| !l.starts_with('#')) {
        let line = line.replace("$WS", &workspace).replace("$NOW", &now);
        let fields: Vec<&str> = line.split('|').map(str::trim).collect();
        let [what, header, payload, key, change, request, status, part] = fields[..] else {
            panic!("{} fields: {line}", fields.len());
        };
        let key = match key {
            "ours" => server.admin.as_str(),
            "theirs" => theirs.admin.as_str(),
            "empty" => "",
            text => text,
        };
        let jwt = changed(&sign(header, payload, key), change);
        let mut words = request.splitn(3, ' ');
        let mut word = || words.next().unwrap_or("");
        let (found, text) = server.ask(&jwt, word(), word(), word());
        let plain = |text: &str| text.split_whitespace().collect::<String>();
        if found.to_string() != status || !plain(&text).contains(&plain(part)) {
            wrong.push(format!("{what}: {found} {text}"));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 60, "{count}");
}

#[test]
fn only_what_a_jwt_can_say_is_signed() {
    let server = server();
    let target = "/v0/tokens?name=j&expiration_time=4102444800";
    let made = server.must(
        "POST",
        target,
        r#"{"scopes":[{"type":"PIPES:READ","resource":"p"}]}"#,
    );
    let jwt = made["token"].as_str().unwrap();
    assert_eq!(server.ask(jwt, "GET", "/v0/pipes/p.json", "").0, 200);
    for (body, part) in [
        (
            r#"{"scopes":[{"type":"ADMIN","resource":""}]}"#,
            "a JWT may have",
        ),
        (
            r#"{"scopes":[{"type":"PIPES:READ"}]}"#,
            "missing field `resource`",
        ),
        (r#"{"scopes":{}}"#, "scopes of a JWT"),
        (
            r#"{"scopes":[],"limits":{"rps":"many"}}"#,
            "limits of a JWT",
        ),
        (r#"{"scopes":[]"#, "not valid JSON"),
    ] {
        let (status, text) = server.ask(&server.admin, "POST", target, body);
        assert!(
            status == 400 && text.contains(part),
            "{body}: {status} {text}"
        );
    }
}
