//! JSON web tokens: HS256 only, signed with the workspace's admin token.
//!
//! Invariant: the signature is checked, in constant time, before anything in the payload is believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use sha2::Sha256;

/// What a JWT says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    /// The workspace's id.
    pub workspace_id: String,
    /// For logs.
    #[serde(default)]
    pub name: Option<String>,
    /// Seconds since 1970 after which it is void.
    #[serde(deserialize_with = "seconds")]
    pub exp: i64,
    /// Seconds since 1970 before which it is void.
    #[serde(
        rename = "nbf",
        default,
        deserialize_with = "perhaps_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub not_before: Option<i64>,
    /// What it may do.
    #[serde(default)]
    pub scopes: Vec<JwtScope>,
    /// Limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

/// Limits of a JWT.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Requests a second.
    #[serde(default)]
    pub rps: Option<u32>,
}

/// A right of a JWT.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JwtScope {
    /// `PIPES:READ`, `DATASOURCES:READ` or `DATASOURCES:APPEND`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The pipe or data source.
    pub resource: String,
    /// Parameters the caller cannot choose.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fixed_params: Map<String, Json>,
    /// A condition on rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
}

/// Why a JWT is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// Not three parts of base64 with JSON in them.
    #[error("the token is not a JWT")]
    Malformed,
    /// Another algorithm, `none` among them.
    #[error("only JWTs with alg HS256 are accepted")]
    Algorithm,
    /// The signature is not ours.
    #[error("the JWT's signature does not match")]
    Signature,
    /// Too old.
    #[error("the JWT is expired")]
    Expired,
    /// Its time has not come.
    #[error("the JWT is not valid yet")]
    TooEarly,
    /// A right that JWTs cannot have.
    #[error("a JWT may have PIPES:READ, DATASOURCES:READ and DATASOURCES:APPEND")]
    Scope,
}

const KINDS: [&str; 3] = ["PIPES:READ", "DATASOURCES:READ", "DATASOURCES:APPEND"];

impl Claims {
    /// Whether `text` has the form of a JWT.
    pub fn looks_like_jwt(text: &str) -> bool {
        text.starts_with("eyJ") && text.bytes().filter(|b| *b == b'.').count() == 2
    }

    /// The workspace that a JWT says it is of; nothing is checked.
    pub fn workspace_of(text: &str) -> Option<String> {
        if !Self::looks_like_jwt(text) {
            return None;
        }
        let payload: Json = decode(text.split('.').nth(1)?).ok()?;
        payload.get("workspace_id")?.as_str().map(str::to_owned)
    }

    /// Checks `text` at the time `now` (seconds) and reads it.
    pub fn verify(text: &str, key: &str, now: i64) -> Result<Claims, JwtError> {
        let (signed, signature) = text.rsplit_once('.').ok_or(JwtError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(JwtError::Malformed)?;
        let header: Json = decode(header)?;
        if header.get("alg").and_then(Json::as_str) != Some("HS256") {
            return Err(JwtError::Algorithm);
        }
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| JwtError::Malformed)?;
        mac(key, signed)?
            .verify_slice(&signature)
            .map_err(|_| JwtError::Signature)?;
        let claims: Claims =
            serde_json::from_value(decode(payload)?).map_err(|_| JwtError::Malformed)?;
        if claims.exp <= now {
            return Err(JwtError::Expired);
        }
        if claims.not_before.is_some_and(|from| from > now) {
            return Err(JwtError::TooEarly);
        }
        claims.check_scopes()?;
        Ok(claims)
    }

    /// Refuses rights that JWTs cannot have.
    pub fn check_scopes(&self) -> Result<(), JwtError> {
        let known = |s: &JwtScope| KINDS.contains(&s.kind.as_str());
        match self.scopes.iter().all(known) {
            true => Ok(()),
            false => Err(JwtError::Scope),
        }
    }

    /// Signs the claims.
    pub fn sign(&self, key: &str) -> Result<String, JwtError> {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        let payload = serde_json::to_vec(self).map_err(|_| JwtError::Malformed)?;
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
        let signature = mac(key, &signed)?.finalize().into_bytes();
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// Whole seconds of a number that may have a fraction, as clients compute it.
fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    f64::deserialize(deserializer).map(|seconds| seconds as i64)
}

fn perhaps_seconds<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i64>, D::Error> {
    let found = Option::<f64>::deserialize(deserializer)?;
    Ok(found.map(|seconds| seconds as i64))
}

fn decode(part: &str) -> Result<Json, JwtError> {
    let bytes = URL_SAFE_NO_PAD
        .decode(part.trim_end_matches('='))
        .map_err(|_| JwtError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| JwtError::Malformed)
}

fn mac(key: &str, text: &str) -> Result<Hmac<Sha256>, JwtError> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_err(|_| JwtError::Signature)?;
    mac.update(text.as_bytes());
    Ok(mac)
}
