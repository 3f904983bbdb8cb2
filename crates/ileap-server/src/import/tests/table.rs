//! Transport activity data as a table.

use super::*;

const HEADER: &str = "activityId,consignmentIds,mode,departureAt,arrivalAt,origin.city,origin.country,\
                      destination.city,destination.country,distance.actual,mass,packagingOrTrEqAmount,\
                      energyCarriers.0.energyCarrier,energyCarriers.0.relativeShare,\
                      energyCarriers.1.energyCarrier,energyCarriers.1.relativeShare,\
                      energyCarriers.1.feedstocks.0.feedstock,energyCarriers.1.feedstocks.0.feedstockShare";
const ROW: &str = "A1,C1; C2,Road,2024-10-07T05:30:00Z,2024-10-07T12:10:00Z,Köln,DE,Kassel,DE,250.5,24000,33,\
                   Diesel,0.75,HVO,0.25,Cooking oil,1";

fn expected() -> Value {
    json!({
        "activityId": "A1",
        "consignmentIds": ["C1", "C2"],
        "mode": "Road",
        "departureAt": "2024-10-07T05:30:00Z",
        "arrivalAt": "2024-10-07T12:10:00Z",
        "origin": {"city": "Köln", "country": "DE"},
        "destination": {"city": "Kassel", "country": "DE"},
        "distance": {"actual": "250.5"},
        "mass": "24000",
        "packagingOrTrEqAmount": 33,
        "energyCarriers": [
            {"energyCarrier": "Diesel", "relativeShare": "0.75"},
            {
                "energyCarrier": "HVO", "relativeShare": "0.25",
                "feedstocks": [{"feedstock": "Cooking oil", "feedstockShare": "1"}],
            },
        ],
    })
}

async fn read(table: &[u8]) -> Value {
    let (store, result) = import("a.csv", table).await;
    assert_eq!(result.unwrap().summary.added, 1);
    serde_json::from_slice(&contents(&store).await.1).unwrap()
}

async fn refused(table: &str) -> String {
    let (_, result) = import("a.csv", table).await;
    result.unwrap_err().to_string()
}

#[tokio::test]
async fn a_row_is_an_activity() {
    let table = format!("{HEADER}\n{ROW}\n");
    assert_eq!(read(table.as_bytes()).await, expected());
}

#[tokio::test]
async fn tables_are_read_as_spreadsheets_write_them() {
    // Semicolons and decimal commas, a byte order mark, CRLF, quotes, and rows that were emptied.
    let semicolons = format!("{HEADER}\n{ROW}")
        .replace("C1; C2", "\"C1# C2\"")
        .replace(',', ";")
        .replace("250.5", "250,5")
        .replace("0.75", "0,75")
        .replace("C1# C2", "C1; C2");
    let empty_row = ";".repeat(17);
    let table = format!("\u{feff}{semicolons}\n{empty_row}\n\n").replace('\n', "\r\n");
    assert_eq!(read(table.as_bytes()).await, expected());
    // As cells are copied from a spreadsheet.
    let tabs = semicolons.replace(';', "\t").replace("C1\t C2", "C1; C2");
    assert_eq!(read(tabs.as_bytes()).await, expected());
    let quoted = |line: &str| format!("\"{}\"", line.replace(',', "\",\""));
    let table = format!("{}\n{}", quoted(HEADER), quoted(ROW));
    assert_eq!(read(table.as_bytes()).await, expected());
}

#[tokio::test]
async fn an_unknown_column_is_named_with_the_nearest_and_all_the_others() {
    let message = refused(&format!("{HEADER},origin.contry\n{ROW},DE\n")).await;
    let expected =
        "line 1: error: there is no column `origin.contry`; the nearest is `origin.country`";
    assert!(message.contains(expected), "{message}");
    assert!(
        message.contains(&csv_header().replace(',', ", ")),
        "{message}"
    );
}

#[tokio::test]
async fn columns_that_are_missing_or_twice_are_named() {
    let message = refused(&HEADER.replace("arrivalAt,", "mode,")).await;
    assert!(message.starts_with("2 errors"), "{message}");
    assert!(message.contains("`mode` is there twice"), "{message}");
    assert!(message.contains("`arrivalAt` is missing"), "{message}");
}

#[tokio::test]
async fn every_bad_cell_is_named_by_line_and_column() {
    let first = ROW.replace("24000", "24 t").replace("33", "many");
    let second = ROW.replace("A1", "A2").replace("Kassel", "");
    let table = format!(
        "{HEADER}\n\"{}\n{second}\n",
        first.replacen("A1", "A1\nx\"", 1)
    );
    let message = refused(&table).await;
    for expected in [
        "line 2, column mass: error R01: `24 t`",
        "line 2, column packagingOrTrEqAmount: error P01: found `many`",
        // The cell before it has a line break.
        "line 4, column destination.city: error P01: mandatory member",
    ] {
        assert!(message.contains(expected), "{expected} in {message}");
    }
}

#[tokio::test]
async fn a_row_with_too_many_or_too_few_cells_is_refused() {
    let message = refused(&format!(
        "{HEADER}\n{ROW},\n{}\n",
        ROW.replacen(",1", "", 1)
    ))
    .await;
    assert!(
        message.contains("line 2: error: it has 19 cells"),
        "{message}"
    );
}

#[tokio::test]
async fn text_that_is_not_utf_8_is_refused_with_what_to_do() {
    let table = format!("{HEADER}\n{ROW}\n").into_bytes();
    let start = table
        .windows(2)
        .position(|pair| pair == "ö".as_bytes())
        .unwrap();
    let latin_1 = [&table[..start], b"\xf6", &table[start + 2..]].concat();
    let (_, result) = import("a.csv", latin_1).await;
    let message = result.unwrap_err().to_string();
    assert!(
        message.contains("line 2, column origin.city: error: it is not UTF-8"),
        "{message}"
    );
}

#[tokio::test]
async fn an_element_that_is_left_out_is_missed() {
    let row = ROW.replace("Diesel,0.75", ",").replace("0.25", "1");
    let message = refused(&format!("{HEADER}\n{row}\n")).await;
    assert!(
        message.contains("column energyCarriers.0.energyCarrier: error P01"),
        "{message}"
    );
}

#[tokio::test]
async fn a_table_begins_with_its_columns() {
    for empty in ["", "\n\n", ",,\n"] {
        assert!(refused(empty).await.contains("must name the columns"));
    }
    let (_, result) = import("a.csv", format!("{}\n", csv_header())).await;
    assert_eq!(result.unwrap().summary.added, 0);
}
