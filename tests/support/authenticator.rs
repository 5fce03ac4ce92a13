//! The authenticator's own parser and mapper.
pub fn mapper() -> String {
    std::env::var("MAPPER").unwrap()
}
