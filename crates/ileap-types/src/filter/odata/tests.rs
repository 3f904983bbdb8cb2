use proptest::prelude::*;
use serde_json::json;

use jiff::Timestamp;

use super::*;

fn parsed(expression: &str) -> Vec<Comparison> {
    FootprintFilter::parse(expression)
        .unwrap_or_else(|error| panic!("{expression}: {error}"))
        .comparisons
}

fn instant(text: &str) -> Literal {
    Literal::Instant(text.parse().unwrap())
}

fn text(text: &str) -> Literal {
    Literal::Text(text.to_owned())
}

fn is_bad_request(expression: &str) -> bool {
    matches!(
        FootprintFilter::parse(expression),
        Err(FilterError::BadRequest(_))
    )
}

fn is_not_implemented(expression: &str) -> bool {
    matches!(
        FootprintFilter::parse(expression),
        Err(FilterError::NotImplemented(_))
    )
}

#[test]
fn a_comparison_is_read() {
    let expected = Comparison {
        property: Property::ProductCategoryCpc,
        operator: Operator::Eq,
        value: text("83117"),
    };
    for expression in [
        "productCategoryCpc eq '83117'",
        "  productCategoryCpc\teq  '83117' ",
        "(productCategoryCpc eq '83117')",
        "(( productCategoryCpc EQ '83117' ))",
    ] {
        assert_eq!(
            parsed(expression),
            std::slice::from_ref(&expected),
            "{expression}"
        );
    }
}

#[test]
fn every_spelling_of_a_date_time_is_the_same_instant() {
    for expression in [
        "created ge '2023-06-27T13:00:00Z'",
        "created ge '2023-06-27T13:00:00.000Z'",
        "created ge '2023-06-27T15:00:00+02:00'",
        "created ge 2023-06-27T13:00:00Z",
        "created ge 2023-06-27T15:00:00+02:00",
        "created ge '2023-06-27T15:00:00 02:00'",
        "created ge 2023-06-27T15:00:00 02:00",
        "(created ge 2023-06-27T15:00:00 02:00)",
    ] {
        let comparisons = parsed(expression);
        assert_eq!(
            comparisons[0].value,
            instant("2023-06-27T13:00:00Z"),
            "{expression}"
        );
        assert_eq!(comparisons[0].operator, Operator::Ge);
    }
}

#[test]
fn comparisons_are_joined_by_and() {
    let expected = parsed(
        "created ge '2023-01-01T00:00:00Z' and pcf/geographyCountry eq 'DE' and updated lt '2024-01-01T00:00:00Z'",
    );
    assert_eq!(expected.len(), 3);
    for expression in [
        "(created ge '2023-01-01T00:00:00Z') and (pcf/geographyCountry eq 'DE') and (updated lt '2024-01-01T00:00:00Z')",
        "((created ge '2023-01-01T00:00:00Z' AND pcf/geographyCountry eq 'DE') and updated lt '2024-01-01T00:00:00Z')",
        "(created ge '2023-01-01T00:00:00Z')and(pcf/geographyCountry eq 'DE')and(updated lt '2024-01-01T00:00:00Z')",
    ] {
        assert_eq!(parsed(expression), expected, "{expression}");
    }
}

#[test]
fn texts_may_hold_quotes_and_words_of_the_grammar() {
    for (literal, value) in [
        ("'it''s'", "it's"),
        ("''", ""),
        ("''''", "'"),
        ("'a and b or (c'", "a and b or (c"),
        ("'ü/€'", "ü/€"),
    ] {
        assert_eq!(
            parsed(&format!("productCategoryCpc eq {literal}"))[0].value,
            text(value)
        );
    }
}

#[test]
fn lists_are_filtered_by_a_lambda() {
    let expected = Comparison {
        property: Property::CompanyIds,
        operator: Operator::Any,
        value: text("urn:x"),
    };
    for expression in [
        "companyIds/any(companyId:(companyId eq 'urn:x'))",
        "companyIds/any(v:v eq 'urn:x')",
        "companyIds/any( v : ( ( v EQ 'urn:x' ) ) )",
        "(companyIds/any(v:(v eq 'urn:x')))",
    ] {
        assert_eq!(
            parsed(expression),
            std::slice::from_ref(&expected),
            "{expression}"
        );
    }
    assert_eq!(
        parsed("productIds/any(v:(v eq 'a')) and productIds/any(v:(v eq 'b'))").len(),
        2
    );
}

#[test]
fn what_odata_allows_beyond_pact_is_not_implemented() {
    for expression in [
        "created ge '2023-01-01T00:00:00Z' or updated lt '2024-01-01T00:00:00Z'",
        "not (productCategoryCpc eq '1')",
        "not(productCategoryCpc eq '1')",
        "contains(productCategoryCpc,'1')",
        "startswith(productCategoryCpc, '1') and created ge '2023-01-01T00:00:00Z'",
        "companyName eq 'x'",
        "Created ge '2023-01-01T00:00:00Z'",
        "pcf/declaredUnit eq 'liter'",
        "geographyCountry eq 'DE'",
        "productCategoryCpc in ('1', '2')",
        "productCategoryCpc has '1'",
        "version add 1 eq 2",
        "updated eq null",
        "(created ge '2023-01-01T00:00:00Z') eq true",
        "created ge now()",
        "created ge datetime'2023-01-01T00:00:00'",
        "created eq updated",
        "'83117' eq productCategoryCpc",
        "companyIds eq 'x'",
        "companyIds/all(v:(v eq 'x'))",
        "companyIds/any()",
        "companyIds/any(v:(v ne 'x'))",
        "companyIds/any(v:(v eq 'x' or v eq 'y'))",
        "companyIds/any(v:v eq 'x' and v eq 'y')",
        "companyIds/any(v:not (v eq 'x'))",
        "precedingPfIds/any(v:(v eq 'x'))",
        "extensions/any(e:e/dataSchema eq 'https://x')",
        "extensions/any(e:(e/specVersion eq '2.0.0' and contains(e/dataSchema, 'x')))",
        "pcf/boundaryProcesses/any(x:1 eq 2)",
        "productIds/any(v:contains(v,'x'))",
        "productIds/any(v:(startswith(v, 'urn:') eq true))",
        "productIds/any(v:'x' eq v)",
        "productIds/any(v:('x' eq v))",
        "productIds/any(v:1 eq v)",
        "productIds/any(v:productCategoryCpc eq v)",
    ] {
        assert!(
            is_not_implemented(expression),
            "{expression}: {:?}",
            FootprintFilter::parse(expression)
        );
    }
}

#[test]
fn what_odata_does_not_allow_is_a_bad_request() {
    for expression in [
        "",
        "   ",
        "created",
        "created ge",
        "created ge ",
        "created ge '2023-01-01T00:00:00Z",
        "created ge '2023-01-01T00:00:00Z' and",
        "created ge '2023-01-01T00:00:00Z' and and created ge '2023-01-01T00:00:00Z'",
        "and created ge '2023-01-01T00:00:00Z'",
        "created ge '2023-01-01T00:00:00Z' created ge '2023-01-01T00:00:00Z'",
        "(created ge '2023-01-01T00:00:00Z'",
        "created ge '2023-01-01T00:00:00Z')",
        "()",
        "created ge'2023-01-01T00:00:00Z'",
        "created ge '2023-01-01T00:00:00Z'and updated ge '2023-01-01T00:00:00Z'",
        "productCategoryCpc == '1'",
        "productCategoryCpc equals '1'",
        "productCategoryCpc eq 83117",
        "productCategoryCpc eq \"83117\"",
        "pcf//geographyCountry eq 'DE'",
        "companyIds/any(v:(w eq 'x'))",
        "companyIds/any(v (v eq 'x'))",
        "companyIds/any(v:(v eq 'x')",
        "companyIds/any(v:)",
        "created/any(v:contains(v,'x'))",
        "pcf//x/any(v:(v eq 'x'))",
        "productCategoryCpc/any(v:(v eq 'x'))",
        "created ge '2023-01-01T00:00:00Z'; drop",
    ] {
        assert!(
            is_bad_request(expression),
            "{expression}: {:?}",
            FootprintFilter::parse(expression)
        );
    }
}

#[test]
fn a_text_that_is_no_date_time_is_a_bad_request() {
    for literal in [
        "'yesterday'",
        "'2023-02-30T00:00:00Z'",
        "'2023-01-01'",
        "2023",
        "''",
        "'2023-01-01T00:00:00'",
    ] {
        assert!(
            is_bad_request(&format!("created ge {literal}")),
            "{literal}"
        );
    }
}

#[test]
fn size_is_limited() {
    let comparison = "productCategoryCpc eq '1'";
    let joined = |count: usize| vec![comparison; count].join(" and ");
    assert_eq!(parsed(&joined(MAX_COMPARISONS)).len(), MAX_COMPARISONS);
    assert!(is_bad_request(&joined(MAX_COMPARISONS + 1)));

    let nested = |depth: usize| format!("{}{comparison}{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(parsed(&nested(MAX_DEPTH)).len(), 1);
    assert!(is_bad_request(&nested(MAX_DEPTH + 1)));
    let lambda = |depth: usize| {
        format!(
            "productIds/any(v:{}v eq 'x'{})",
            "(".repeat(depth),
            ")".repeat(depth)
        )
    };
    assert!(FootprintFilter::parse(&lambda(MAX_DEPTH - 1)).is_ok());
    assert!(is_bad_request(&lambda(MAX_DEPTH)));
    assert!(is_bad_request(&"(".repeat(MAX_EXPRESSION_BYTES)));

    let text_of = |length: usize| format!("productCategoryCpc eq '{}'", "x".repeat(length));
    let frame = text_of(0).len();
    assert!(FootprintFilter::parse(&text_of(MAX_EXPRESSION_BYTES - frame)).is_ok());
    assert!(is_bad_request(&text_of(MAX_EXPRESSION_BYTES - frame + 1)));
}

#[test]
fn a_message_names_the_input_shortly_and_without_control_characters() {
    let error = FootprintFilter::parse(&format!("{} eq 'x'", "a".repeat(500))).unwrap_err();
    assert!(error.to_string().len() < 120, "{error}");
    let error = FootprintFilter::parse("created ge '\u{1b}[31m\r\n'").unwrap_err();
    assert!(!error.to_string().contains(char::is_control), "{error}");
}

#[test]
fn footprints_are_matched() {
    let footprint = json!({
        "created": "2023-06-27T13:00:00+02:00",
        "updated": null,
        "productCategoryCpc": "83117",
        "companyIds": ["urn:a", "urn:b"],
        "productIds": ["urn:p"],
        "pcf": {"geographyCountry": "DE", "referencePeriodStart": "2022-01-01T00:00:00Z", "referencePeriodEnd": "nonsense"},
    });
    for (expression, matches) in [
        ("created eq '2023-06-27T11:00:00Z'", true),
        ("created ne '2023-06-27T11:00:00Z'", false),
        ("created gt '2023-06-27T11:00:00Z'", false),
        ("created ge '2023-06-27T11:00:00Z'", true),
        ("created le '2023-06-27T11:00:00Z'", true),
        ("created lt '2023-06-27T11:00:01Z'", true),
        ("updated ge '1970-01-01T00:00:00Z'", false),
        ("updated ne '1970-01-01T00:00:00Z'", false),
        ("productCategoryCpc gt '83116'", true),
        ("productCategoryCpc lt '83117'", false),
        ("pcf/geographyCountry eq 'DE'", true),
        ("pcf/geographyCountry eq 'de'", false),
        ("pcf/referencePeriodStart le '2022-01-01T00:00:00Z'", true),
        ("pcf/referencePeriodEnd ne '2022-01-01T00:00:00Z'", false),
        ("companyIds/any(v:(v eq 'urn:b'))", true),
        ("companyIds/any(v:(v eq 'urn:p'))", false),
        (
            "productIds/any(v:(v eq 'urn:p')) and pcf/geographyCountry eq 'FR'",
            false,
        ),
    ] {
        assert_eq!(
            FootprintFilter::parse(expression)
                .unwrap()
                .matches(&footprint),
            matches,
            "{expression}"
        );
    }
}

fn any_comparison() -> impl Strategy<Value = Comparison> {
    let property = prop::sample::select(Property::ALL);
    let operator = prop::sample::select(vec![
        Operator::Eq,
        Operator::Ne,
        Operator::Lt,
        Operator::Le,
        Operator::Gt,
        Operator::Ge,
    ]);
    let seconds = -60_000_000_000_i64..250_000_000_000;
    (property, operator, seconds, ".{0,12}").prop_map(|(property, operator, seconds, text)| {
        match property.kind() {
            PropertyKind::Instant => {
                let value = Literal::Instant(Timestamp::from_second(seconds).unwrap().into());
                Comparison {
                    property,
                    operator,
                    value,
                }
            }
            PropertyKind::Text => Comparison {
                property,
                operator,
                value: Literal::Text(text),
            },
            PropertyKind::Texts => Comparison {
                property,
                operator: Operator::Any,
                value: Literal::Text(text),
            },
        }
    })
}

proptest! {
    #[test]
    fn a_printed_filter_is_read_back(comparisons in prop::collection::vec(any_comparison(), 1..8)) {
        let filter = FootprintFilter { comparisons };
        prop_assert_eq!(FootprintFilter::parse(&filter.to_string()), Ok(filter));
    }

    #[test]
    fn any_text_is_parsed_or_refused(expression in ".{0,120}") {
        let _ = FootprintFilter::parse(&expression);
    }

    #[test]
    fn any_words_of_the_grammar_are_parsed_or_refused(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "created", "companyIds/any", "(", ")", ":", "v", "eq", "and", "or", "not", "'x'",
                "2023-01-01T00:00:00", "00:00", " ", " ", " ", "'", "/", ",",
            ]),
            0..40,
        )
    ) {
        let _ = FootprintFilter::parse(&words.concat());
    }
}
