//! The process itself, in the words that every Prometheus client uses for it. Read when somebody asks.

use procfs::{
    WithCurrentSystemInfo as _,
    process::{LimitValue, Process as ProcessFiles, Stat},
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};
use rustix::time::{ClockId, clock_gettime};

/// Memory, processor time, open files and start time of this process. What cannot be read is left out.
#[derive(Debug)]
pub(super) struct Process {
    /// Seconds since 1970. Worked out once: clocks are corrected, and a process does not start again by that.
    started: Option<f64>,
}

impl Process {
    pub(super) fn new() -> Self {
        let stat = ProcessFiles::myself().and_then(|process| process.stat());
        Self {
            started: stat.ok().map(|stat| started(&stat)),
        }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let (bytes, seconds) = (Some(&Unit::Bytes), Some(&Unit::Seconds));
        let mut gauge = |name, help, unit: Option<&Unit>, value: f64| {
            let gauge = ConstGauge::new(value);
            let metric = encoder.encode_descriptor(name, help, unit, gauge.metric_type())?;
            gauge.encode(metric)
        };
        let help = "What this machine's clock says, since 1970";
        gauge("time", help, seconds, seconds_of(ClockId::Realtime))?;
        if let Some(started) = self.started {
            let help = "When the process began, since 1970";
            gauge("start_time", help, seconds, started)?;
        }
        let Ok(process) = ProcessFiles::myself() else {
            return Ok(());
        };
        if let Ok(open) = process.fd_count() {
            let open = u64::try_from(open).unwrap_or(u64::MAX);
            gauge("open_fds", "Open file descriptors", None, float(open))?;
        }
        if let Ok(limits) = process.limits()
            && let LimitValue::Value(most) = limits.max_open_files.soft_limit
        {
            let help = "The most file descriptors that may be open";
            gauge("max_fds", help, None, float(most))?;
        }
        let Ok(stat) = process.stat() else {
            return Ok(());
        };
        let resident = float(stat.rss_bytes().get());
        gauge("resident_memory", "Memory in use", bytes, resident)?;
        let virtual_ = float(stat.vsize);
        gauge("virtual_memory", "Address space in use", bytes, virtual_)?;
        let threads = float(stat.num_threads.unsigned_abs());
        gauge("threads", "Threads", None, threads)?;
        let used = float(stat.utime + stat.stime) / float(procfs::ticks_per_second());
        let used = ConstCounter::new(used);
        let kind = used.metric_type();
        let metric = encoder.encode_descriptor("cpu", "Processor time used", seconds, kind)?;
        used.encode(metric)
    }
}

/// The kernel counts from boot; how long ago that was, the clock tells: `/proc/stat` may be hidden from a service.
fn started(stat: &Stat) -> f64 {
    let since_boot = float(stat.starttime) / float(procfs::ticks_per_second());
    seconds_of(ClockId::Realtime) - (seconds_of(ClockId::Boottime) - since_boot)
}

fn seconds_of(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    float(time.tv_sec.unsigned_abs()) + float(time.tv_nsec.unsigned_abs()) / 1e9
}

#[expect(clippy::cast_precision_loss, reason = "metrics are floats")]
fn float(number: u64) -> f64 {
    number as f64
}
