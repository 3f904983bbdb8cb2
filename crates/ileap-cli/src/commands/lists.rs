//! What `footprints` and `tads` have in common: how much is read, and how it is printed.

use std::num::NonZeroU32;

use futures_util::{TryStreamExt as _, stream::BoxStream};
use ileap_client::{Error, Item, List, Page, Query, Readable};

use super::{
    host::{self, Account},
    pull,
};
use crate::{cli::ListArguments, exit::Failed, output, progress::Progress, table::Table};

/// The most items asked for on a page; hosts may send fewer.
const PAGE: u32 = 1000;

/// How objects of a kind look to people.
pub(super) trait Rows<T, const N: usize> {
    /// The columns.
    fn table() -> Table<N>;

    /// One object's cells. What it adds to the sums is added.
    fn row(&mut self, object: &T) -> [String; N];

    /// What all of them come to, in lines.
    fn sums(&self) -> Vec<String>;
}

/// The query in pages of a size that suits what is wanted.
pub(super) fn sized(query: Query, arguments: &ListArguments) -> Query {
    let wanted = if arguments.all {
        PAGE
    } else {
        arguments.limit.get().min(PAGE)
    };
    match NonZeroU32::new(wanted) {
        Some(size) => query.page_size(size),
        None => query,
    }
}

/// Prints a list, or writes it to a file, as the arguments want it.
pub(super) async fn print<T, R, const N: usize>(
    list: List<T>,
    account: &Account,
    arguments: &ListArguments,
    rows: R,
) -> Result<(), Failed>
where
    T: Readable + Send + 'static,
    R: Rows<T, N>,
{
    if let Some(file) = &arguments.output {
        return pull::to_file(list, &account.client_id, file).await;
    }
    let most = if arguments.all {
        usize::MAX
    } else {
        usize::try_from(arguments.limit.get()).unwrap_or(usize::MAX)
    };
    let mut printer = Printer {
        json: arguments.json,
        progress: Progress::counting("read"),
        rows,
        shown: 0,
        table: R::table(),
        unreadable: Unreadable::default(),
    };
    let mut pages = Pages::new(list, arguments.all);
    while let Some(mut page) = pages.next().await.map_err(|error| host::failed(&error))? {
        let room = most - printer.shown;
        let has_more = page.next.is_some() || page.items.len() > room;
        page.items.truncate(room);
        printer.print(&page)?;
        if printer.shown >= most {
            if has_more {
                let shown = printer.shown;
                let hint = format!("{shown} shown, and there are more: --all, or a larger --limit");
                printer.progress.suspend(|| output::note(&hint));
            }
            break;
        }
    }
    printer.finish::<T>()
}

/// Pages one by one; only who wants them all has the next one fetched ahead.
enum Pages<T> {
    Ahead(BoxStream<'static, Result<Page<T>, Error>>),
    Singly(List<T>),
}

impl<T: Send + 'static> Pages<T> {
    fn new(list: List<T>, all: bool) -> Self {
        if all {
            Self::Ahead(list.pages())
        } else {
            Self::Singly(list)
        }
    }

    async fn next(&mut self) -> Result<Option<Page<T>>, Error> {
        match self {
            Self::Ahead(pages) => pages.try_next().await,
            Self::Singly(list) => list.next_page().await,
        }
    }
}

struct Printer<R, const N: usize> {
    json: bool,
    progress: Progress,
    rows: R,
    shown: usize,
    table: Table<N>,
    unreadable: Unreadable,
}

impl<R, const N: usize> Printer<R, N> {
    fn print<T>(&mut self, page: &Page<T>) -> Result<(), Failed>
    where
        T: Readable,
        R: Rows<T, N>,
    {
        if !page.is_complete {
            let text = "the host had not finished filtering: some may be missing";
            self.progress.suspend(|| output::note(text));
        }
        self.shown += page.items.len();
        self.progress.add(page.items.len());
        let lines: Vec<_> = if self.json {
            let lines = page
                .items
                .iter()
                .map(|item| output::json_text(&pull::one_line(item.json())));
            lines.collect()
        } else {
            let mut cells = Vec::with_capacity(page.items.len());
            for item in &page.items {
                if let Some(object) = self.unreadable.read(item) {
                    cells.push(self.rows.row(&object));
                }
            }
            if cells.is_empty() {
                Vec::new()
            } else {
                self.table.lines(&cells)
            }
        };
        if lines.is_empty() {
            return Ok(());
        }
        let print: fn(String) -> Result<(), Failed> = if self.json {
            output::line
        } else {
            output::styled
        };
        self.progress.suspend(|| print(lines.join("\n")))
    }

    fn finish<T>(self) -> Result<(), Failed>
    where
        T: Readable,
        R: Rows<T, N>,
    {
        self.progress.clear();
        if self.shown == 0 && !self.json {
            output::note("the host has none that fit, or none that you may see");
        }
        if !self.json {
            for line in self.rows.sums() {
                output::line(output::on_one_line(&line))?;
            }
        }
        if self.table.is_cut() {
            output::note("what ends with … is cut: a pipe and --json have it whole");
        }
        self.unreadable.complain(T::NAME);
        Ok(())
    }
}

/// Objects that cannot be read, so that they are not passed over in silence.
#[derive(Default)]
struct Unreadable {
    count: usize,
    first: Option<String>,
}

impl Unreadable {
    fn read<T: Readable>(&mut self, item: &Item<T>) -> Option<T> {
        let object = item.read().ok();
        if object.is_none() {
            self.count += 1;
            self.first = self.first.take().or_else(|| item.problem());
        }
        object
    }

    fn complain(&self, name: &str) {
        if self.count == 0 {
            return;
        }
        let first = self.first.as_deref().unwrap_or("no JSON object");
        let text = format!(
            "{} could not be read as {name} and are not shown ({first}); --json shows them as they are",
            self.count
        );
        output::note(&output::sanitised(&text));
    }
}
