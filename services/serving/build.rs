//! A changed migration rebuilds the crate: the migrations are compiled in.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
