//! Networks as `IpAddress` compares them: an address, or a range in CIDR notation.

use std::net::IpAddr;

/// A range of addresses of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    /// Whether it is of IPv6.
    pub(super) is_six: bool,
    /// Its first address.
    pub(super) first: u128,
    /// Its last address.
    pub(super) last: u128,
}

impl Network {
    /// Reads an address or a network; nothing if it is neither.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let (is_six, bits, address) = match address.parse().ok()? {
            IpAddr::V4(address) => (false, 32, u128::from(u32::from(address))),
            IpAddr::V6(address) => (true, 128, u128::from(address)),
        };
        let free = bits
            - length
                .filter(|length| *length <= bits)
                .or(length.is_none().then_some(bits))?;
        let hosts = u128::MAX.checked_shr(128 - free).unwrap_or(0);
        Some(Self {
            is_six,
            first: address & !hosts,
            last: address | hosts,
        })
    }

    /// Whether every address of another network is in this one.
    pub(super) fn contains(self, other: Self) -> bool {
        self.is_six == other.is_six && self.first <= other.first && other.last <= self.last
    }
}
