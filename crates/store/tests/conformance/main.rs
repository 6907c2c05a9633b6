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
mod ldap;
mod logins;
mod nodes;
mod requests;
mod reserved;
mod scim;
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
            concurrent_writers_agree_on_the_first, stale_evidence_stops_the_write,
        }
        requests::{
            a_repeated_request_gets_its_first_response, another_body_under_the_same_id,
            ids_belong_to_the_binding, only_old_requests_are_forgotten,
            a_clock_that_was_ahead_neither_stops_forgetting_nor_is_forgotten,
        }
        domains::{
            the_first_account_that_verifies_a_domain_gets_it, subdomains_go_to_the_owner_of_the_domain,
            a_registration_expires_and_can_be_repeated, domains_are_listed_by_account,
            a_domain_is_not_taken_from_under_a_new_user,
        }
        reserved::{
            every_domain_gets_its_users_once, users_of_a_domain_cannot_be_changed,
            an_address_from_before_stays_what_it_is, users_of_a_domain_go_with_it,
            an_upgrade_adds_the_users_of_domains_once,
        }
        groups::{
            a_group_has_a_unique_name_and_a_valid_parent,
            groups_have_a_maximal_depth, groups_are_listed_and_found,
            members_come_and_go_and_are_counted, a_removed_user_leaves_its_groups,
        }
        scim::{
            a_user_has_details_and_an_id_of_each_client,
            a_change_is_refused_if_the_user_is_no_longer_as_it_was_seen,
            a_renamed_user_keeps_all_but_its_address, users_are_listed_from_any_index,
            an_application_has_at_most_two_tokens,
        }
        ldap::{
            a_base_is_that_of_the_first_domain_unless_it_was_set, users_are_read_in_slices_each_once,
            a_local_part_names_a_user_alone, members_of_a_group_are_in_every_group_above_it,
            groups_are_found_by_name_id_and_member, numbers_are_assigned_once_and_never_again,
            users_are_found_by_the_time_of_their_change,
        }
        administration::{
            all_changes_are_made_or_none, revocations_raise_the_epoch, a_principal_is_all_or_nothing,
            accounts_know_what_is_above_them, settings_change_one_by_one,
            changes_together_are_made_or_none, secrets_are_nowhere_to_be_read, another_master_key_is_refused,
        }
        nodes::{
            a_request_runs_on_one_node, a_request_id_belongs_to_one_body_on_all_nodes,
            a_revocation_on_one_node_stops_writes_of_the_other, an_address_belongs_to_one_request_on_all_nodes,
        }
        usage::{
            uses_add_up_and_the_newest_wins, usage_is_deleted_with_its_credential,
        }
        audit::{
            every_user_and_every_change_has_an_event, a_changed_chain_is_broken,
        }
        console::{
            a_session_lasts_until_it_is_ended, sessions_end_with_their_user_or_password,
            expired_sessions_are_deleted_when_another_is_used,
            the_audit_is_read_backwards, the_audit_is_searched,
            key_pairs_are_listed_by_application, a_user_knows_its_groups,
        }
        search::{
            users_are_found_by_address_and_name, changed_users_are_found_by_their_new_words,
            new_users_are_indexed_once,
            pages_return_each_matching_user_once, a_page_checks_a_limited_number_of_users,
        }
        directory::{
            users_are_listed_in_pages_forwards_and_backwards, users_are_listed_by_domain,
            listed_users_are_counted, a_domain_with_users_stays_with_its_account,
            an_update_changes_what_it_names, as_many_passwords_are_remembered_as_required,
            removing_a_user_removes_its_aliases_attributes_and_delegates,
            a_user_removed_in_the_same_transaction_was_removed_earlier,
            the_purge_list_has_users_that_are_due,
            the_last_super_administrator_can_t_be_taken_by_a_caller,
            a_client_is_found_by_id_and_name_until_it_is_disabled, events_are_found_by_account_and_time,
            unknown_ids_and_addresses_are_not_found,
        }
        logins::{
            a_login_is_decided_on_the_row_as_it_is, a_login_replaces_only_key_pairs_that_were_never_used,
            a_login_prolongs_key_pairs_of_its_user, a_login_with_an_unknown_address_is_in_the_audit,
            profiles_hold_for_users_else_for_accounts,
            a_bind_is_decided_like_a_login_and_recorded_if_asked_for,
        }
    })* };
}

engines!(sqlite, postgres, pooled, postgres_12, postgres_18);
