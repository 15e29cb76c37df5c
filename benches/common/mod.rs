//! What more than one bench needs.

use std::error::Error;
use std::fs;

/// What a process holds in memory, bytes.
pub fn resident(pid: u32) -> Result<usize, Box<dyn Error + Send + Sync>> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<usize>()? * 1024)
}
