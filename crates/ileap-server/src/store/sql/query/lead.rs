//! What a page follows: all objects in their order, or the entries of an index, which are in the same order, or of
//! which there are few. So a page costs what it holds, however rare that is. Whoever sees only what access rules
//! name follows that, whatever the filter is: then what a page costs depends on nothing that is hidden.

use ileap_types::filter::{
    odata::{Comparison, FootprintFilter, Literal, Operator, Property},
    tad::{TadFilter, Term},
};

use super::{
    Builder,
    kinds::{self, By, Kinds},
};
use crate::{
    access::{Reach, Visibility},
    store::sql::dialect::Dialect,
};

/// How far entries are counted: at first so far as to find those of which there are few, which can be looked at one by
/// one, and sorted; then, where there are none, those in the order of the list so far as takes less than walking over a
/// hundred of them.
pub(in crate::store::sql) const COUNTED: [i64; 2] = [500, 5000];

/// Something by which a page can be narrowed.
#[derive(Clone, Copy, Debug)]
pub(in crate::store::sql) enum Lead<'a> {
    /// Footprints that a comparison holds for, in their order.
    Equal(&'a Comparison),
    /// Footprints that a comparison holds for, in no order.
    Few(&'a Comparison),
    /// Activities that a term holds for.
    Term(&'a Term),
}

/// What a page of footprints may follow, the best first where all are equally many.
pub(in crate::store::sql) fn of_footprints<'a>(
    filter: &'a FootprintFilter,
    visibility: &Visibility,
) -> Vec<Lead<'a>> {
    if matches!(visibility.reach(), Reach::Named { .. } | Reach::Nothing) {
        return Vec::new();
    }
    let mut leads: Vec<_> = filter
        .comparisons
        .iter()
        .filter_map(of_comparison)
        .collect();
    leads.sort_by_key(|lead| match lead {
        Lead::Equal(comparison) => match comparison.property {
            // One company may stand in all footprints.
            Property::ProductIds => 0,
            Property::ProductCategoryCpc => 1,
            Property::CompanyIds => 2,
            _ => 3,
        },
        Lead::Term(_) => 4,
        Lead::Few(_) => 5,
    });
    leads
}

/// The same for activity data.
pub(in crate::store::sql) fn of_activities<'a>(
    filter: &'a TadFilter,
    visibility: &Visibility,
) -> Vec<Lead<'a>> {
    if matches!(visibility.reach(), Reach::Named { .. } | Reach::Nothing) {
        return Vec::new();
    }
    let mut terms: Vec<_> = filter.terms.iter().collect();
    terms.sort_by_key(|term| match term.name.as_str() {
        "activityId" => 0,
        "consignmentIds" => 1,
        _ => 2,
    });
    terms.into_iter().map(Lead::Term).collect()
}

fn of_comparison(comparison: &Comparison) -> Option<Lead<'_>> {
    let is_equal = matches!(comparison.operator, Operator::Eq | Operator::Any);
    match comparison.property {
        Property::CompanyIds | Property::ProductIds => {
            list_and_value(comparison).map(|_| Lead::Equal(comparison))
        }
        Property::ProductCategoryCpc | Property::GeographyCountry => {
            is_equal.then_some(Lead::Equal(comparison))
        }
        Property::ReferencePeriodStart | Property::ReferencePeriodEnd | Property::Updated => {
            (comparison.operator != Operator::Ne).then_some(Lead::Few(comparison))
        }
        Property::Created => None,
    }
}

/// Whether it takes counting to tell which lead a page follows.
pub(in crate::store::sql) fn are_to_be_counted(leads: &[Lead<'_>]) -> bool {
    !matches!(leads, [] | [Lead::Equal(_) | Lead::Term(_)])
}

/// Asks how many entries each lead has of what the roles open, counted up to `most`.
pub(in crate::store::sql) fn counts(
    dialect: Dialect,
    (leads, most): (&[Lead<'_>], i64),
    visibility: &Visibility,
) -> Builder {
    let kinds = Kinds::of(visibility);
    let mut query = Builder::new(dialect, "");
    for (number, lead) in leads.iter().enumerate() {
        let select = if number == 0 { "SELECT " } else { ", " };
        query
            .push(select)
            .push("(SELECT COUNT(*) FROM (SELECT 1 FROM ");
        match lead {
            Lead::Equal(comparison) | Lead::Few(comparison) => {
                if push_ids(&mut query, comparison, kinds).is_none() {
                    push_column_entries(&mut query, comparison, kinds);
                    push_order_of_column(&mut query, comparison);
                }
            }
            Lead::Term(term) => push_terms(&mut query, term),
        }
        query
            .push(" LIMIT (")
            .push_bind(most)
            .push(" + 0)) AS entries)");
    }
    query
}

/// Adds all entries that any of the alternatives has, one by one.
fn push_terms(query: &mut Builder, term: &Term) {
    for (number, (path, key)) in term.alternatives.iter().enumerate() {
        if number > 0 {
            query.push(" UNION ALL SELECT 1 FROM ");
        }
        query
            .push("tad_fields k WHERE k.path = ")
            .push_bind(*path)
            .push(" AND k.key = ")
            .push_bind(key.clone());
    }
    if term.alternatives.is_empty() {
        query.push("tad_fields k WHERE 1 = 0");
    }
}

/// The lead with the fewest entries, if those were counted to their end.
pub(in crate::store::sql) fn rarest<'a>(
    leads: &[Lead<'a>],
    (counts, most): (&[i64], i64),
) -> Option<Lead<'a>> {
    let counted = leads.iter().zip(counts);
    let rare = counted.filter(|(_, count)| **count < most);
    let rarest = rare.min_by_key(|(_, count)| **count);
    rarest.map(|(lead, _)| *lead)
}

/// Keeps those whose entries are in the order of the list, however many: they are read only as far as a page needs.
pub(in crate::store::sql) fn keep_ordered(leads: &mut Vec<Lead<'_>>) {
    leads.retain(|lead| !matches!(lead, Lead::Few(_)));
}

/// The columns that say which footprint an entry is of, and where in the list it is. Conditions that need no other
/// are judged before the footprint itself is looked up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) created: &'static str,
    pub(super) id: &'static str,
    /// The column that comes before these in the index, and its only value, where PostgreSQL has to be told: it plans
    /// without the value, and would take an index that begins with the other two for as good.
    first: Option<(&'static str, &'a Literal)>,
    /// The columns that come after them in an index that has not all footprints, where one that has would do as well.
    rest: &'static str,
}

const OF_FOOTPRINT: Entry<'_> = Entry {
    created: "f.created",
    id: "f.id",
    first: None,
    rest: "",
};
const BESIDE_FOOTPRINT: Entry<'_> = Entry {
    created: "k.created",
    id: "k.footprint",
    first: None,
    rest: "",
};

impl Entry<'_> {
    /// The columns that entries are in the order of.
    pub(super) fn order(self) -> String {
        self.place() + self.rest
    }

    /// Those of them that say where in the list an entry is.
    fn place(self) -> String {
        match self.first {
            Some((first, _)) => format!("{first}, {}, {}", self.created, self.id),
            None => format!("{}, {}", self.created, self.id),
        }
    }

    /// Adds that an entry comes after a position.
    pub(super) fn push_after(self, query: &mut Builder, (created, id): (i64, &str)) {
        query.push(" AND (").push(&self.place()).push(") > (");
        if let Some((_, value)) = self.first {
            push_value(query, value);
            query.push(", ");
        }
        query.push_bind(created).push(", ").push_bind(id.to_owned());
        query.push(")");
    }

    /// Adds a comparison with the moment of creation, as ends of what is read of an index. A position is an end, too:
    /// it says more than the comparison, and only one of the two can be looked up.
    pub(super) fn push_created(self, query: &mut Builder, comparison: &Comparison, is_after: bool) {
        let begins = !is_after;
        match comparison.operator {
            Operator::Any | Operator::Eq => {
                self.push_end(query, comparison, (" >= ", begins));
                self.push_end(query, comparison, (" <= ", true));
            }
            Operator::Ge => self.push_end(query, comparison, (" >= ", begins)),
            Operator::Gt => self.push_end(query, comparison, (" > ", begins)),
            Operator::Le => self.push_end(query, comparison, (" <= ", true)),
            Operator::Lt => self.push_end(query, comparison, (" < ", true)),
            Operator::Ne => self.push_end(query, comparison, (" <> ", false)),
        }
    }

    fn push_end(
        self,
        query: &mut Builder,
        comparison: &Comparison,
        (operator, is_end): (&str, bool),
    ) {
        if let Some((first, value)) = self.first.filter(|_| is_end) {
            query.push(" AND (").push(first).push(", ");
            query.push(self.created).push(")").push(operator).push("(");
            push_value(query, value);
            query.push(", ");
            push_value(query, &comparison.value);
            query.push(")");
        } else {
            query.push(if is_end { " AND " } else { " AND +" });
            query.push(self.created).push(operator);
            push_value(query, &comparison.value);
        }
    }
}

/// Adds the columns of a page of footprints and what it follows; returns the columns of its order.
pub(super) fn push_footprints<'a>(
    query: &mut Builder,
    lead: Option<Lead<'a>>,
    visibility: &Visibility,
) -> Entry<'a> {
    query.push("SELECT f.json, f.created, f.id FROM ");
    let (dialect, kinds) = (query.dialect, Kinds::of(visibility));
    if let Reach::Named { recipient, roles } = visibility.reach() {
        query.push("footprint_grants k");
        if let Some(index) = kinds::index_of_grants(roles) {
            query.push(&dialect.indexed_by(index));
        }
        query
            .push(&dialect.then_look_up("footprints f", "f.id = k.footprint"))
            .push(" WHERE k.recipient = ")
            .push_bind(recipient.clone());
        return BESIDE_FOOTPRINT;
    }
    match lead {
        Some(Lead::Equal(comparison)) => {
            if push_ids_with_footprints(query, comparison, kinds).is_some() {
                return BESIDE_FOOTPRINT;
            }
            return push_column_entries(query, comparison, kinds);
        }
        Some(Lead::Few(comparison)) => {
            let [begin, end] = dialect.apart();
            query.push(begin);
            push_column_entries(query, comparison, kinds);
            push_order_of_column(query, comparison);
            query.push(end);
        }
        Some(Lead::Term(_)) | None => {
            query
                .push("footprints f")
                .push(&dialect.indexed_by(&kinds.index(By::Order)));
            push_kinds(query, "f", kinds);
            if dialect == Dialect::Postgres && kinds != Kinds::Any {
                return Entry {
                    rest: ", f.kind, f.object_id",
                    ..OF_FOOTPRINT
                };
            }
        }
    }
    OF_FOOTPRINT
}

/// Adds ` WHERE ` and what holds for an index of some kinds.
fn push_kinds(query: &mut Builder, table: &str, kinds: Kinds) {
    query.push(" WHERE ");
    match kinds.condition() {
        Some(condition) => query.push(table).push(condition),
        None => query.push("1 = 1"),
    };
}

/// Adds the entries of a list of ids, if the comparison is about one.
fn push_ids(query: &mut Builder, comparison: &Comparison, kinds: Kinds) -> Option<()> {
    let (list, value) = list_and_value(comparison)?;
    push_ids_before_where(query, kinds);
    push_ids_where(query, (list, value), kinds);
    Some(())
}

/// The same with the footprints they are of.
fn push_ids_with_footprints(
    query: &mut Builder,
    comparison: &Comparison,
    kinds: Kinds,
) -> Option<()> {
    let (list, value) = list_and_value(comparison)?;
    push_ids_before_where(query, kinds);
    let join = query.dialect.then_join();
    query.push(join).push("footprints f ON f.id = k.footprint");
    push_ids_where(query, (list, value), kinds);
    Some(())
}

fn push_ids_before_where(query: &mut Builder, kinds: Kinds) {
    query.push("footprint_ids k");
    if let Some(index) = kinds.index_of_ids() {
        let indexed_by = query.dialect.indexed_by(&index);
        query.push(&indexed_by);
    }
}

fn push_ids_where(query: &mut Builder, (list, value): (&str, &str), kinds: Kinds) {
    push_kinds(query, "k", kinds);
    query
        .push(" AND k.list = '")
        .push(list)
        .push("' AND k.value = ")
        .push_bind(value.to_owned());
}

/// Adds the footprints for whose column the comparison holds, by the index of that column; returns the columns of its
/// order, where the column is to have one value.
fn push_column_entries<'a>(
    query: &mut Builder,
    comparison: &'a Comparison,
    kinds: Kinds,
) -> Entry<'a> {
    let by = match comparison.property {
        Property::GeographyCountry => By::Country,
        Property::ReferencePeriodStart => By::PeriodStart,
        Property::ReferencePeriodEnd => By::PeriodEnd,
        Property::Updated => By::Update,
        Property::ProductCategoryCpc => By::Cpc,
        Property::Created | Property::CompanyIds | Property::ProductIds => By::Order,
    };
    let indexed_by = query.dialect.indexed_by(&kinds.index(by));
    query.push("footprints f").push(&indexed_by);
    push_kinds(query, "f", kinds);
    let is_equal = matches!(comparison.operator, Operator::Any | Operator::Eq);
    match column(comparison.property) {
        // As a range, so that the order by this column says something, and tells the index.
        Some(column) if is_equal && query.dialect == Dialect::Postgres => {
            for operator in [" >= ", " <= "] {
                query.push(" AND ").push(column).push(operator);
                push_value(query, &comparison.value);
            }
            Entry {
                first: Some((column, &comparison.value)),
                ..OF_FOOTPRINT
            }
        }
        _ => {
            push_comparison(query, comparison);
            OF_FOOTPRINT
        }
    }
}

/// Adds that entries come in the order of their column, which tells PostgreSQL the index.
fn push_order_of_column(query: &mut Builder, comparison: &Comparison) {
    if let (Dialect::Postgres, Some(column)) = (query.dialect, column(comparison.property)) {
        query.push(" ORDER BY ").push(column);
    }
}

/// The list of ids a comparison looks into, and for what; `None` when it is about no such list.
pub(super) fn list_and_value(comparison: &Comparison) -> Option<(&'static str, &str)> {
    let list = match comparison.property {
        Property::CompanyIds => "company",
        Property::ProductIds => "product",
        _ => return None,
    };
    match &comparison.value {
        Literal::Text(value) => Some((list, value)),
        Literal::Instant(_) => None,
    }
}

/// Adds a condition on a column of a footprint; those on lists of ids are not among them.
pub(super) fn push_comparison(query: &mut Builder, comparison: &Comparison) {
    let operator = match comparison.operator {
        Operator::Any | Operator::Eq => " = ",
        Operator::Ge => " >= ",
        Operator::Gt => " > ",
        Operator::Le => " <= ",
        Operator::Lt => " < ",
        Operator::Ne => " <> ",
    };
    if let Some(column) = column(comparison.property) {
        query.push(" AND ").push(column).push(operator);
        push_value(query, &comparison.value);
    }
}

/// The column a property is kept in; lists of ids are in a table of their own.
fn column(property: Property) -> Option<&'static str> {
    Some(match property {
        Property::CompanyIds | Property::ProductIds => return None,
        Property::Created => "f.created",
        Property::GeographyCountry => "f.country",
        Property::ProductCategoryCpc => "f.cpc",
        Property::ReferencePeriodEnd => "f.period_end",
        Property::ReferencePeriodStart => "f.period_start",
        Property::Updated => "f.updated",
    })
}

fn push_value(query: &mut Builder, value: &Literal) {
    match value {
        Literal::Instant(moment) => query.push_bind(moment.ticks()),
        Literal::Text(text) => query.push_bind(text.clone()),
    };
}

/// Adds that an entry `d` is one of some alternatives.
pub(super) fn push_alternatives(query: &mut Builder, alternatives: &[(&'static str, String)]) {
    if let [(path, key)] = alternatives {
        query
            .push("d.path = ")
            .push_bind(*path)
            .push(" AND d.key = ")
            .push_bind(key.clone());
        return;
    }
    query.push("(d.path, d.key) IN (VALUES ");
    for (number, (path, key)) in alternatives.iter().enumerate() {
        query.push(if number == 0 { "(" } else { ", (" });
        query
            .push_bind(*path)
            .push(", ")
            .push_bind(key.clone())
            .push(")");
    }
    query.push(")");
}
