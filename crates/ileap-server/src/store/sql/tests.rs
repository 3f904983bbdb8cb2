mod earlier;
mod plans;
mod postgres;
mod sizes;
mod sqlite;
