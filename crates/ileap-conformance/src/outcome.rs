//! What a case says, before the run decides what it weighs.

use serde::Serialize;

/// The most problems of one case that are listed; the others are counted.
pub(crate) const MOST_PROBLEMS: usize = 25;

/// A pass with a remark, which may be empty; or why there is none.
pub(crate) type Judgement = Result<String, Stop>;

/// Why a case is no pass.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    pub(crate) kind: StopKind,
    pub(crate) reason: String,
    pub(crate) problems: Problems,
    pub(crate) exchange: Option<Box<Exchange>>,
    /// The host broke off, or what it sent is no HTTP.
    pub(crate) is_broken_off: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum StopKind {
    Fail,
    Inconclusive,
    Skip,
    Warn,
}

/// What is wrong with records: the first of each kind, and how many more there are.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Problems {
    /// The first ones; what differs in indices and numbers alone is one kind.
    pub listed: Vec<Problem>,
    /// How many there are besides, of other kinds.
    pub more: usize,
    #[serde(skip)]
    kinds: Vec<String>,
}

/// One thing wrong with a record.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    /// A JSON pointer into the list that the host answered.
    pub pointer: String,
    /// What is wrong there.
    pub text: String,
    /// In how many other places the same is wrong.
    pub also: usize,
    /// The first of these places.
    pub elsewhere: Vec<String>,
}

/// A request and its answer.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Exchange {
    /// The request as a line for a shell; credentials are variables.
    pub curl: String,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// The header lines of the answer.
    pub headers: Vec<String>,
    /// The first bytes of its body.
    pub body: String,
}

impl Problems {
    pub(crate) fn push(&mut self, pointer: impl Into<String>, text: impl Into<String>) {
        self.add(Problem {
            pointer: pointer.into(),
            text: text.into(),
            also: 0,
            elsewhere: Vec::new(),
        });
    }

    pub(crate) fn add(&mut self, problem: Problem) {
        let kind = format!("{} {}", problem.pointer, problem.text);
        let kind = kind.replace(|c: char| c.is_ascii_digit() || c == '.' || c == '-', "");
        let known = self.kinds.iter().position(|known| *known == kind);
        if let Some(known) = known.and_then(|index| self.listed.get_mut(index)) {
            known.also += 1 + problem.also;
            known.elsewhere.push(problem.pointer);
            known.elsewhere.extend(problem.elsewhere);
            known.elsewhere.truncate(MOST_PROBLEMS);
        } else if self.listed.len() < MOST_PROBLEMS {
            self.kinds.push(kind);
            self.listed.push(problem);
        } else {
            self.more += 1 + problem.also;
        }
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.more += other.more;
        for problem in other.listed {
            self.add(problem);
        }
    }

    /// All of them.
    pub fn count(&self) -> usize {
        let listed = self.listed.iter().map(|problem| 1 + problem.also);
        listed.sum::<usize>() + self.more
    }

    /// Fails with all of them, or passes.
    pub(crate) fn judged(self, exchange: &Exchange) -> Result<(), Stop> {
        if self.count() == 0 {
            return Ok(());
        }
        let reason = match (self.count(), self.listed.first()) {
            (1, Some(only)) => format!("{}: {}", only.pointer, only.text),
            (count, Some(first)) => {
                format!(
                    "{count} problems, the first at {}: {}",
                    first.pointer, first.text
                )
            }
            (count, None) => format!("{count} problems"),
        };
        let mut stop = Stop::fail(reason).of(exchange);
        stop.problems = self;
        Err(stop)
    }
}

impl Problem {
    /// What is wrong, and how often.
    pub fn sentence(&self) -> String {
        match self.also {
            0 => self.text.clone(),
            1 => format!("{} (and in one other place)", self.text),
            also => format!("{} (and in {also} other places)", self.text),
        }
    }
}

impl Stop {
    fn new(kind: StopKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
            problems: Problems::default(),
            exchange: None,
            is_broken_off: false,
        }
    }

    pub(crate) fn fail(reason: impl Into<String>) -> Self {
        Self::new(StopKind::Fail, reason)
    }

    pub(crate) fn warn(reason: impl Into<String>) -> Self {
        Self::new(StopKind::Warn, reason)
    }

    pub(crate) fn skip(reason: impl Into<String>) -> Self {
        Self::new(StopKind::Skip, reason)
    }

    pub(crate) fn inconclusive(reason: impl Into<String>) -> Self {
        Self::new(StopKind::Inconclusive, reason)
    }

    pub(crate) fn broken_off(reason: impl Into<String>) -> Self {
        Self {
            is_broken_off: true,
            ..Self::fail(reason)
        }
    }

    /// With the exchange that shows it.
    pub(crate) fn of(mut self, exchange: &Exchange) -> Self {
        self.exchange = Some(Box::new(exchange.clone()));
        self
    }

    /// The same, no longer held against the host.
    pub(crate) fn softened(mut self, kind: StopKind) -> Self {
        self.kind = kind;
        self
    }
}
