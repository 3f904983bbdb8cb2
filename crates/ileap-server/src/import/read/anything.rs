//! For the fuzzer: any bytes as a file of each form, and what comes of it.

use std::ops::ControlFlow;

use serde_json::Value;

use super::{Item, Place, Problem, Visit, item, json, ndjson, table};

/// Places follow each other, and what is read once is read the same again, a line or an element at a time.
pub(crate) fn read_anything(data: &[u8]) {
    let document = read(|visit| json::each(data, visit));
    let lines = read(|visit| ndjson::each(data, visit));
    let rows = read(|visit| table::each(data, visit));
    for values in [document, lines, rows] {
        let texts: Vec<_> = values.iter().map(Value::to_string).collect();
        let as_lines = texts.join("\n");
        assert_eq!(
            read(|visit| ndjson::each(as_lines.as_bytes(), visit)),
            values
        );
        let as_list = format!("[{}]", texts.join(","));
        assert_eq!(read(|visit| json::each(as_list.as_bytes(), visit)), values);
        assert!(texts.iter().all(|text| item(text.as_bytes()).is_ok()));
    }
}

fn read(each: impl FnOnce(&mut Visit<'_>)) -> Vec<Value> {
    let (mut values, mut places) = (Vec::new(), Vec::new());
    each(&mut |place: Place, found: Result<Item, Problem>| {
        if place != Place::File {
            places.push(place);
        }
        values.extend(found.map(|item| item.value));
        ControlFlow::Continue(())
    });
    assert!(places.is_sorted());
    values
}
