//! Scopes, filters and signatures.

use serde_json::json;

use super::*;

#[test]
fn scopes_read_as_written() {
    let scope = Scope::parse("DATASOURCES:READ:events:country = 'a:b'").unwrap();
    assert_eq!(scope.resource.as_deref(), Some("events"));
    assert_eq!(scope.filter.as_deref(), Some("country = 'a:b'"));
    assert_eq!(Scope::parse("ADMIN").unwrap(), Scope::plain("ADMIN"));
    assert!(Scope::parse("PIPES:READ").is_err());
    assert!(Scope::parse("ROOT").is_err());
}

#[test]
fn rows_follow_the_scopes() {
    let scopes = [
        "PIPES:READ:p",
        "DATASOURCES:READ:t:a = 1",
        "DATASOURCES:READ:t:b = 2",
        "DATASOURCES:READ:u",
    ];
    let scopes = scopes.iter().map(|s| Scope::parse(s).unwrap()).collect();
    let access = Access::of_token(&Token::new("x", scopes, String::new()));
    assert_eq!(
        access.rows_of_data_source("t"),
        Rows::Where("(a = 1) OR (b = 2)".to_owned())
    );
    assert_eq!(access.rows_of_data_source("u_quarantine"), Rows::All);
    assert_eq!(access.rows_of_data_source("v"), Rows::Denied);
    assert_eq!(access.rows_of_pipe("p"), Rows::All);
    assert!(!access.is_admin() && !access.may_append("t"));
    assert_eq!(Access::admin().rows_of_pipe("any"), Rows::All);
}

#[test]
fn jwts_are_believed_only_when_ours() {
    let claims: Claims = serde_json::from_value(json!({
        "workspace_id": "w", "exp": 100,
        "scopes": [{"type": "PIPES:READ", "resource": "p", "fixed_params": {"org": "a"}}]
    }))
    .unwrap();
    let text = claims.sign("key").unwrap();
    assert!(Claims::looks_like_jwt(&text));
    assert_eq!(Claims::verify(&text, "key", 99).unwrap(), claims);
    assert_eq!(Claims::verify(&text, "key", 100), Err(JwtError::Expired));
    assert_eq!(Claims::verify(&text, "other", 1), Err(JwtError::Signature));
    let none = text.replacen(text.split('.').next().unwrap(), "eyJhbGciOiJub25lIn0", 1);
    assert_eq!(Claims::verify(&none, "key", 1), Err(JwtError::Algorithm));
    assert_eq!(Claims::verify("a.b.c", "key", 1), Err(JwtError::Malformed));
    let access = Access::of_claims(&claims);
    assert_eq!(access.fixed_parameters("p").unwrap()["org"], json!("a"));
}
