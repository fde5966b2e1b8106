//! The contract of the HTTP API.

use serde_json::Value;

use crate::served::serve;
use crate::world::emulator;

#[tokio::test]
async fn the_document_of_the_api_is_the_one_in_deploy() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let told = served.get("/api/v1/openapi.json").await.expect(200).json();
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/openapi.json");
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(kept).unwrap()).unwrap();
    assert_eq!(
        told, kept,
        "curl http://127.0.0.1:8400/api/v1/openapi.json | python3 -m json.tool > deploy/openapi.json"
    );
    served.server.end_with("TERM").await;
}
