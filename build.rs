//! Tells the linker what the tests need of libc.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let set = |name: &str, part: &str| {
        std::env::var(name).is_ok_and(|value| value.split(',').any(|one| one == part))
    };
    if set("CARGO_CFG_TARGET_ENV", "gnu") && set("CARGO_CFG_TARGET_FEATURE", "crt-static") {
        // Tests start thousands of programs in folders of their own. The standard library can do so without a copy of the whole
        // process only where it finds this function, and a static libc brings what somebody asks for.
        println!("cargo::rustc-link-arg-tests=-Wl,-u,posix_spawn_file_actions_addchdir_np");
    }
}
