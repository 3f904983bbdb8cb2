mod postgres;
mod sizes;
mod sqlite;
