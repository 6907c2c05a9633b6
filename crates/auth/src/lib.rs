//! From bytes to Caller: signature, freshness, quota, the password gate.
