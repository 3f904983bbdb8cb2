//! Lists and objects in objects, and what nobody reads there.

use super::*;

#[tokio::test]
async fn the_saved_answer_about_one_object_is_read() {
    let footprint = samples()[0].clone();
    let answer = json!({"data": footprint}).to_string();
    let (store, result) = import("a.json", answer).await;
    assert_eq!(result.unwrap().summary.added, 1);
    let (stored, _) = contents(&store).await;
    assert_eq!(serde_json::from_slice::<Value>(&stored).unwrap(), footprint);
}

#[tokio::test]
async fn a_member_beside_the_lists_that_nobody_reads_is_named() {
    let tads: Vec<Value> = serde_json::from_str(SAMPLE_TADS).unwrap();
    for text in [
        json!({"footprints": samples(), "activities": tads}).to_string(),
        json!({"activities": {"a": 1}, "tads": tads}).to_string(),
    ] {
        let (store, result) = import("a.json", text).await;
        let message = result.unwrap_err().to_string();
        let expected = "the file /activities: error: nobody reads this member";
        assert!(message.contains(expected), "{message}");
        assert_eq!(contents(&store).await, (Vec::new(), Vec::new()));
    }
    let harmless = json!({"total": 13, "next": "x", "tads": tads, "until": null});
    let (_, result) = import("a.json", harmless.to_string()).await;
    assert_eq!(result.unwrap().summary.added, tads.len());
}

#[tokio::test]
async fn what_published_software_writes_for_absent_is_read() {
    let mut footprint = samples()[0].clone();
    footprint["pcf"]["productOrSectorSpecificRules"] = json!([]);
    footprint["precedingPfIds"] = json!([]);
    let (store, result) = import("a.json", footprint.to_string()).await;
    result.unwrap();
    let (stored, _) = contents(&store).await;
    assert!(!String::from_utf8(stored).unwrap().contains("[]"));
}
