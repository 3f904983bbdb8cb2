//! The entries of an index that a page of footprints follows, and what is asked of them.

use ileap_types::filter::odata::{Comparison, Literal, Operator, Property};

use super::{
    Builder,
    kinds::{self, By, Kinds},
    lead::Lead,
};
use crate::{
    access::{Reach, Visibility},
    store::sql::dialect::Dialect,
};

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
pub(super) fn push_ids(query: &mut Builder, comparison: &Comparison, kinds: Kinds) -> Option<()> {
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
pub(super) fn push_column_entries<'a>(
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
pub(super) fn push_order_of_column(query: &mut Builder, comparison: &Comparison) {
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
