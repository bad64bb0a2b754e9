//! Builds the crate anew when a template changes. `include_dir!` reads the templates without telling Cargo.

fn main() {
    println!("cargo::rerun-if-changed=src/generate/templates");
}
