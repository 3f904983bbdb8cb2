//! Sums up the emissions of a host's shipments: `cargo run -p ileap-client --example emissions -- URL CLIENT_ID`, with
//! the secret on stdin. Against `ileap demo`:
//!
//! ```sh
//! echo pathfinder | cargo run -p ileap-client --example emissions -- http://127.0.0.1:8080 hello
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::io;

use futures_util::TryStreamExt as _;
use ileap_client::{
    Client, Credentials, Error, Query,
    types::extension::{IleapObject, total_emissions},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(client_id)) = (arguments.next(), arguments.next()) else {
        return Err("usage: emissions URL CLIENT_ID, with the secret on stdin".into());
    };
    let mut secret = String::new();
    io::stdin().read_line(&mut secret)?;
    let credentials = Credentials::new(client_id, secret.trim_end_matches(['\r', '\n']));
    let client = Client::new(&url, credentials)?;
    print_shipments(&client).await?;
    Ok(())
}

async fn print_shipments(client: &Client) -> Result<(), Error> {
    let mut footprints = client.footprints(&Query::new()).items();
    while let Some(item) = footprints.try_next().await? {
        // What one host writes oddly is no reason to stop.
        let Ok(footprint) = item.read() else { continue };
        let Some(Ok(IleapObject::Shipment(shipment))) = IleapObject::from_footprint(&footprint)
        else {
            continue;
        };
        // Not the footprint's value times its amount: iLEAP puts the total there.
        let total = total_emissions(&footprint);
        println!("{}: {total} kg CO2e", shipment.shipment_id);
    }
    Ok(())
}
