//! An end to objects that have none.

use std::{
    cell::Cell,
    io::{self, Read},
    rc::Rc,
};

use super::LARGEST_OBJECT;

/// Fails after as many bytes as an object may have, unless the allowance is renewed.
pub(super) struct Capped<R> {
    reader: R,
    allowance: Allowance,
}

impl<R> Capped<R> {
    pub(super) fn new(reader: R) -> (Self, Allowance) {
        let allowance = Allowance(Rc::new(Cell::new(LARGEST_OBJECT)));
        let capped = Self {
            reader,
            allowance: allowance.clone(),
        };
        (capped, allowance)
    }
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let left = self.allowance.0.get().checked_sub(read);
        self.allowance.0.set(left.ok_or_else(|| {
            let most = LARGEST_OBJECT >> 20;
            io::Error::other(format!(
                "it has more than {most} MiB: something in it is not closed"
            ))
        })?);
        Ok(read)
    }
}

/// How many bytes may still be read.
#[derive(Clone)]
pub(super) struct Allowance(Rc<Cell<usize>>);

impl Allowance {
    /// The next object begins.
    pub(super) fn renew(&self) {
        self.0.set(LARGEST_OBJECT);
    }
}
