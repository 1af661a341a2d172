//! What a plan costs, beside what people would use instead, and what an apply costs, beside what its calls
//! alone would: `cargo bench --profile dist --bench compare`. The names of tables behind `--` (`-- apply`)
//! measure these alone.
//!
//! Every contender does the same work on the same server: it asks for what runs on each of a
//! list of offers and counts it. `cancel-pending` also reads and checks a YAML file, and writes
//! its plan. The results are Markdown tables on standard output. Without `--bench`, which `cargo
//! bench` adds and `cargo test` does not, or with `--short`, it only shows that everything
//! still runs.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program that prints tables")]

mod contenders;
mod measure;
mod server;
mod tables;

use std::time::Duration;

use server::Settings;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [command, latency, rate, products, page] = arguments.as_slice()
        && command == "serve"
    {
        let (latency, rate) = (Duration::from_micros(latency.parse()?), rate.parse()?);
        let rate = Some(rate).filter(|rate| *rate > 0);
        return server::serve(Settings { latency, rate, products: products.parse()?, page: page.parse()? });
    }
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let wanted: Vec<&str> = arguments.iter().map(String::as_str).filter(|name| !name.starts_with("--")).collect();
    tables::all(has("--short") || !has("--bench"), &wanted)
}
