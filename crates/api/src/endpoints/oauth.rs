//! `/oauth/…`: tokens for applications of API 2.0.

pub mod token;
