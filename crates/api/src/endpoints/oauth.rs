//! `/oauth/…`: where applications of API 2.0 get their tokens.

pub mod token;
