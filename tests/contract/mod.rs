//! The contract of the ports: what planning and applying rely on. The same functions run against the sandbox and against
//! the test bed's real kube-apiserver and simulated AWS (`tests/contract_on`), so that the sandbox stays honest.

pub(crate) mod access;
pub(crate) mod access_entries;
pub(crate) mod cluster_updates;
pub(crate) mod kubernetes;
pub(crate) mod pod_identity;
pub(crate) mod provider;
pub(crate) mod roles;
pub(crate) mod stacks;
pub(crate) mod world;

use std::sync::Arc;

use futures::future::BoxFuture;

use world::World;

pub(crate) const CLUSTER: &str = "bench";
/// One that knows nothing but aws-auth, and stays so.
pub(crate) const AWS_AUTH_CLUSTER: &str = "aws-auth-only";
/// One that begins so, for the contract that moves its mode on.
pub(crate) const OLD_CLUSTER: &str = "old";
pub(crate) const REGION: &str = "us-west-2";

/// One contract over a world.
pub(crate) type Contract = fn(Arc<World>) -> BoxFuture<'static, ()>;

/// Makes a test of every contract. `$keeps` is a function of the test's name and the contract that makes a world and runs
/// the contract in it.
macro_rules! contract_tests {
    ($keeps:ident) => {
        contract_tests! { $keeps:
            provider {
                cluster_and_the_caller_are_known,
                provider_is_made_extended_and_deleted,
            }
            stacks {
                stack_makes_its_role,
                taken_role_name_rolls_back_with_its_reason,
                change_set_updates_and_an_empty_one_says_so,
                protection_refuses_the_deletion_until_it_is_lifted,
                deleted_stack_is_found_by_its_id,
                foreign_policy_stops_a_deletion,
                repeated_request_is_one_request,
            }
            roles {
                role_is_repaired_piece_by_piece,
                roles_in_bulk_are_the_roles_one_by_one,
                iam_is_listed_whole_with_its_policies,
                missing_objects_are_not_found,
            }
            cluster_updates {
                mode_goes_forward_one_step_at_a_time,
                identity_provider_comes_and_goes,
            }
            kubernetes {
                namespace_is_made_once,
                service_account_is_made_once,
                apply_needs_the_version_that_was_read,
                apply_does_not_make_what_is_gone,
                keys_are_removed_one_by_one,
                deletion_needs_the_object_that_was_read,
                token_is_signed_for_the_issuer_of_the_cluster,
                access_reviews_tell_who_may,
                lease_is_taken_once_and_given_back,
            }
            access {
                config_map_is_made_once_and_byte_for_byte,
                patch_changes_single_keys_of_the_version_that_was_read,
                config_map_has_a_largest_size,
                config_map_is_deleted_only_as_it_was_read,
                roles_are_made_once_and_changed_at_a_version,
                bindings_are_made_once_and_their_subjects_changed,
                caller_is_whom_the_server_says,
                denied_write_names_the_missing_permission,
                access_entries_are_read_whole,
                roles_are_listed_by_path,
            }
            pod_identity {
                association_is_made_once_changed_and_deleted,
                associations_are_listed_whole,
                association_is_refused_as_eks_refuses_it,
                addon_is_installed_and_found,
            }
            access_entries {
                entry_is_made_once_changed_and_deleted,
                update_sets_user_name_and_groups_together,
                policies_are_associated_over_again_and_dropped,
                entries_that_eks_refuses,
                principals_are_found_by_name_whatever_their_path,
            }
        }
    };
    ($keeps:ident: $($module:ident { $($contract:ident),* $(,)? })*) => {
        $(mod $module {
            $(#[test]
            fn $contract() {
                super::$keeps(concat!(module_path!(), "::", stringify!($contract)), |world| {
                    Box::pin(async move { crate::contract::$module::$contract(&world).await })
                });
            })*
        })*
    };
}
