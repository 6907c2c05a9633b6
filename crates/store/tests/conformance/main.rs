//! The tests that every engine of the storage port must pass. A new engine needs an implementation of [`Engine`] and
//! its name in the last line of this file.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

extern crate matricula_store as store;

mod administration;
mod audit;
mod console;
mod directory;
mod domains;
mod engine;
mod groups;
mod logins;
mod nodes;
mod requests;
mod search;
mod usage;
mod users;

use engine::Engine;

macro_rules! conformance {
    ($engine:ident: $($suite:ident::{$($test:ident),* $(,)?})*) => {
        mod $engine {
            $(mod $suite { $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    if let Some(engine) = <crate::engine::$engine as crate::Engine>::new() {
                        crate::$suite::$test(&engine).await;
                    }
                }
            )* })*
        }
    };
}

macro_rules! engines {
    ($($engine:ident),*) => { $(conformance! { $engine:
        users::{
            a_user_is_found_again_also_after_reopening, an_address_is_given_once, a_request_may_hold_many_users,
            writers_that_meet_agree_on_who_was_first, evidence_that_no_longer_holds_stops_the_write,
        }
        requests::{
            a_request_that_comes_again_gets_its_first_answer, another_body_under_the_same_id,
            ids_belong_to_the_binding, only_old_requests_are_forgotten,
            a_clock_that_was_ahead_neither_stops_forgetting_nor_is_forgotten,
        }
        domains::{
            who_proves_a_domain_first_gets_it, what_lies_below_a_domain_goes_with_it,
            a_registration_expires_and_can_be_made_anew, domains_are_listed_by_account,
            a_domain_is_not_taken_from_under_a_new_user,
        }
        groups::{
            a_group_lies_where_it_may, groups_lie_only_so_deep, groups_are_listed_and_found,
            members_come_and_go_and_are_counted, a_user_that_goes_leaves_its_groups,
        }
        administration::{
            all_changes_are_made_or_none, what_is_taken_away_bumps_the_epoch, a_principal_is_all_or_nothing,
            accounts_know_what_is_above_them, secrets_are_nowhere_to_be_read, another_master_key_is_refused,
        }
        nodes::{
            a_request_runs_on_one_of_them, an_id_stands_for_one_body_on_all_of_them,
            what_one_takes_away_stops_the_other,
        }
        usage::{
            uses_add_up_and_the_newest_wins, what_is_gone_is_not_used,
        }
        audit::{
            every_user_and_every_change_is_told, a_chain_that_was_touched_is_broken,
        }
        console::{
            a_session_lasts_until_it_is_ended, sessions_end_with_what_they_rest_on,
            what_is_over_is_forgotten_when_another_is_used, the_audit_is_read_backwards, the_audit_is_searched,
            key_pairs_are_listed_by_application, a_user_knows_its_groups,
        }
        search::{
            users_are_found_by_address_and_name, what_changes_is_found_as_it_is, what_is_new_is_indexed_once,
            pages_give_each_user_that_is_meant_once, a_page_looks_at_so_many_and_no_more,
        }
        directory::{
            users_are_listed_in_pages_forwards_and_backwards, users_are_listed_by_domain,
            listed_users_are_counted, a_domain_with_users_stays_with_its_account,
            an_update_changes_what_it_names, passwords_are_remembered_as_many_as_asked,
            what_hangs_on_a_user_goes_with_it, the_purge_list_knows_who_is_due,
            the_last_super_administrator_can_t_be_taken_by_a_caller,
            a_client_is_found_by_id_and_name_until_it_is_disabled, events_are_found_by_account_and_time,
            nobody_is_nobody,
        }
        logins::{
            a_login_is_decided_on_the_row_as_it_is, a_login_replaces_only_key_pairs_that_were_never_used,
            a_login_prolongs_key_pairs_of_its_user, a_login_with_an_unknown_address_is_in_the_audit,
            profiles_hold_for_users_else_for_accounts,
        }
    })* };
}

engines!(sqlite, postgres);
