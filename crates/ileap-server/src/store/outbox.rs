//! What is to be done for partners after a request has been answered: kept until it is done or given up.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use super::StoreError;

/// The most tasks one recipient may have open: more than anyone needs, and not enough to fill a disk.
pub const OPEN_TASKS_LIMIT: i64 = 1000;

/// Which footprints a partner is told of, as a task keeps it.
#[derive(Debug, serde::Deserialize, serde::Serialize)]
pub struct Changed {
    /// Their ids.
    pub pf_ids: Vec<String>,
}

/// What kind of task it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TaskKind {
    /// Evaluate a request for footprints and send the answer.
    Answer,
    /// Fetch the footprints that a partner has published.
    Fetch,
    /// Keep the footprints of a partner's answer.
    Keep,
    /// Tell a partner of new and changed footprints.
    Publish,
}

impl TaskKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Answer, Self::Fetch, Self::Keep, Self::Publish];

    /// The word in records and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Fetch => "fetch",
            Self::Keep => "keep",
            Self::Publish => "publish",
        }
    }

    /// The other way round.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A task that is to be kept.
#[derive(Clone, Debug)]
pub struct NewTask {
    /// Its name, and that of the event it sends.
    pub id: Uuid,
    /// What is to be done.
    pub kind: TaskKind,
    /// For whom.
    pub recipient: String,
    /// The host it is about.
    pub base_url: String,
    /// What has to be known for it.
    pub input: Bytes,
}

/// A task in the hands of one worker. What is said about it counts as long as the lease is the task's last one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Held {
    /// The lease: a name that no other has.
    pub lease: Uuid,
    /// The task.
    pub task: Uuid,
}

/// A task that a worker has for a while.
#[derive(Clone, Debug)]
pub struct LeasedTask {
    /// What is to be done.
    pub task: NewTask,
    /// The lease it is held by.
    pub lease: Uuid,
    /// The event to send, once it is fixed.
    pub body: Option<Bytes>,
    /// Whether that event may have reached the partner already.
    pub is_unsure: bool,
    /// When it was kept.
    pub created_at: Timestamp,
    /// How many attempts there were before this one.
    pub attempts: u32,
    /// How many of the last ones in a row the partner refused.
    pub refusals: u32,
    /// How often its host has failed since it answered last.
    pub host_failures: u32,
}

impl LeasedTask {
    /// What shows that it is ours.
    pub fn held(&self) -> Held {
        Held {
            lease: self.lease,
            task: self.task.id,
        }
    }
}

/// How many tasks are asked for, and for how long they are one worker's alone.
#[derive(Clone, Debug)]
pub struct Lease {
    /// The lease: a name that no other has, of this worker or any.
    pub id: Uuid,
    /// Now.
    pub now: Timestamp,
    /// How long nobody else gets them.
    pub lasts: Duration,
    /// The most tasks wanted.
    pub limit: usize,
    /// Tasks that are not wanted: the worker is still at them.
    pub except: Vec<Uuid>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Settlement {
    /// It is done.
    Done,
    /// It is to be tried again.
    Retry {
        /// When.
        due_at: Timestamp,
        /// How many of the last attempts in a row the partner refused.
        refusals: u32,
        /// Why, in a word.
        why: &'static str,
    },
    /// It is given up.
    Dead {
        /// Why, in a word.
        why: &'static str,
    },
}

/// What an attempt says about the partner's host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HostState {
    /// It answers.
    Answers,
    /// It does not, or not now: none of its tasks is due before `until`, and those that were kept before
    /// `given_up_before` are given up with this one's word.
    Rests {
        /// How often it has failed since it answered last.
        failures: u32,
        /// Until when it is left alone.
        until: Timestamp,
        /// What is older has been tried for long enough.
        given_up_before: Timestamp,
    },
    /// Nothing.
    Unknown,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug)]
pub struct Ending {
    /// What becomes of the task.
    pub settlement: Settlement,
    /// What becomes of the others of its host.
    pub host: HostState,
    /// Whether its event may have reached the partner.
    pub is_unsure: bool,
    /// When it ended.
    pub at: Timestamp,
}

/// A task as the operator sees it.
#[derive(Clone, Debug)]
pub struct TaskRecord {
    /// Its name.
    pub id: String,
    /// What it is.
    pub kind: String,
    /// For whom.
    pub recipient: String,
    /// The host it is about.
    pub base_url: String,
    /// `open`, `done` or `dead`.
    pub state: String,
    /// How many attempts there were.
    pub attempts: u32,
    /// Why the last one failed.
    pub error: Option<String>,
    /// When it was kept.
    pub created_at: Timestamp,
    /// When it is tried next, if it is open.
    pub due_at: Timestamp,
}

/// How much is open.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct OutboxDepth {
    /// Tasks that are not settled.
    pub open: u64,
    /// When the oldest of them was kept.
    pub oldest: Option<Timestamp>,
    /// Tasks that were given up and not yet forgotten.
    pub dead: u64,
}

/// The part of the store port that is about tasks for partners.
#[async_trait::async_trait]
pub trait Outbox: Send + Sync {
    /// Gives a worker tasks that are due, at most one for each host and none for a host that somebody is
    /// busy with: no host is overrun, and none keeps the others waiting.
    async fn lease(&self, lease: &Lease) -> Result<Vec<LeasedTask>, StoreError>;

    /// Gives workers more time for some of their tasks.
    async fn extend(&self, held: &[Held], until: Timestamp) -> Result<(), StoreError>;

    /// Notes that a task's event is about to be sent, and gives its worker time for it; `false` when the task
    /// is no longer its own: then nothing may be sent.
    async fn confirm(&self, held: Held, until: Timestamp) -> Result<bool, StoreError>;

    /// Gives tasks back as they were, for others to take up at once.
    async fn release(&self, held: &[Held]) -> Result<(), StoreError>;

    /// Keeps the event a task sends, so that every attempt sends the same; `false` when the task is no
    /// longer this worker's, or an earlier event may have reached the partner.
    async fn fix_body(&self, held: Held, body: &Bytes) -> Result<bool, StoreError>;

    /// Keeps what of a task is left to be done; `false` when it is no longer this worker's.
    async fn narrow(&self, held: Held, input: &Bytes) -> Result<bool, StoreError>;

    /// Ends an attempt; `false`, and nothing changes, when the task is no longer this worker's.
    async fn settle(&self, held: Held, ending: &Ending) -> Result<bool, StoreError>;

    /// The time by which leases are judged: that of the database's own clock, where several machines share it.
    async fn lease_time(&self, ours: Timestamp) -> Result<Timestamp, StoreError>;

    /// Adds tasks of our own making, all or none.
    async fn add_tasks(&self, tasks: &[NewTask], now: Timestamp) -> Result<(), StoreError>;

    /// Makes tasks of new and changed footprints, for each partner that is told of those it may see; says
    /// whether there were any.
    async fn publish_changes(&self, now: Timestamp) -> Result<bool, StoreError>;

    /// When the next task is due that nobody has.
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError>;

    /// How much is open.
    async fn depth(&self) -> Result<OutboxDepth, StoreError>;

    /// The tasks that are open or were given up, oldest first.
    async fn unsettled(&self, limit: usize) -> Result<Vec<TaskRecord>, StoreError>;

    /// Has every dead task of a recipient tried again at once, at hosts that rest too; says how many. What has
    /// certainly reached nobody is judged anew.
    async fn revive(&self, recipient: &str, now: Timestamp) -> Result<u64, StoreError>;

    /// Forgets what was done before one moment, and what was given up or failed before another.
    async fn prune(&self, done: Timestamp, dead: Timestamp) -> Result<(), StoreError>;
}
