"""Build the use cases of operators from identities and the audit log."""

from application.administration.act_for_users import ActForUsers, ListRetainedData
from application.administration.additions import AdministrationAdditions
from application.administration.find_user import FindUser
from application.administration.list_audit import ListAudit
from application.administration.show_user import ShowUser
from application.administration.unblock_by_actor import UnblockByActor
from application.administration.user_acts import USER_ACTS
from application.administration.view_phone import ViewPhone, ViewUser
from application.core_ports import CorePorts
from application.identities.use_cases import IdentityUseCases
from application.limits.actor_limits import ActorLimits
from application.otp.phone_limits import ResetLimits
from application.otp.use_cases import LimitUseCases
from application.ports.keyed_hashes import KeyedHashes
from application.ports.repositories import Repositories
from application.ports.system import SystemPorts
from application.record_act import RecordAct


class AdministrationUseCases:
    """The use cases of operators: find a user, act for one, and say who did it."""

    def __init__(
        self,
        system: SystemPorts,
        repositories: Repositories,
        keyed_hashes: KeyedHashes,
        identities: IdentityUseCases,
        record_act: RecordAct,
        additions: AdministrationAdditions,
    ) -> None:
        verifications = repositories.phone_verifications
        # The deletion is the last one.
        self.user_acts = (*USER_ACTS[:-1], *additions.user_acts, USER_ACTS[-1])
        self.find_user = FindUser(repositories.identities, verifications, keyed_hashes)
        self.list_audit = ListAudit(repositories.audit_log, repositories.identities, keyed_hashes)
        self.list_retained_data = ListRetainedData(additions.cleaned_up, additions.retained_data)
        self.act_for_users = ActForUsers(
            find_user=self.find_user,
            record_act=record_act,
            operator_actions=identities.operator_actions,
            reset_phone_limits=ResetLimits(verifications, system.clock, system.events),
            rename_user=identities.rename_user,
            delete_user=identities.delete_user,
            list_retained_data=self.list_retained_data,
            clock=system.clock,
        )
        self.unblock_by_actor = UnblockByActor(
            act=self.act_for_users,
            audit_log=repositories.audit_log,
            identities=repositories.identities,
        )


class UserDetailsUseCases:
    """What operators see of a user, which needs the limits of codes."""

    def __init__(
        self,
        core_ports: CorePorts,
        record_act: RecordAct,
        actor_limits: ActorLimits,
        identities: IdentityUseCases,
        administration: AdministrationUseCases,
        limits: LimitUseCases,
        additions: AdministrationAdditions,
    ) -> None:
        self.view_phone = ViewPhone(record_act, actor_limits)
        self.view_user = ViewUser(identities.get_user, self.view_phone)
        self.show_user = ShowUser(
            find_user=administration.find_user,
            view_phone=self.view_phone,
            describe_verification=limits.describe_verification,
            delivery_reports=core_ports.repositories.delivery_reports,
            load_added=additions.details,
            clock=core_ports.system.clock,
        )
