"""Administration builds itself: from what the other features do, and the audit log."""

from collections.abc import Sequence
from datetime import timedelta

from application.administration.act_for_users import ActForUsers
from application.administration.find_user import FindUser
from application.administration.list_audit import ListAudit
from application.administration.service_tokens import AdministerTokens, AuthenticateServiceToken
from application.administration.show_user import ShowUser
from application.administration.view_phone import ViewPhone
from application.administration.view_user import ViewUser
from application.identities.feature import IdentitiesFeature
from application.limits.token_limits import TokenLimits
from application.otp.feature import OtpFeature
from application.phone_change.feature import PhoneChangeFeature
from application.ports.keyed_hashes import KeyedHashes
from application.ports.repositories import Repositories
from application.ports.system import SystemPorts
from application.record_act import RecordAct
from domain.identities.retention import RetainedData, list_retained_data
from domain.media.usage import Quota


class AdministrationFeature:
    """The use cases of operators: find a user, act for one, and say who did it."""

    def __init__(
        self,
        system: SystemPorts,
        repositories: Repositories,
        keyed_hashes: KeyedHashes,
        identities: IdentitiesFeature,
        otp: OtpFeature,
        phone_change: PhoneChangeFeature,
        record_act: RecordAct,
        *,
        quota: Quota,
        call_retention: timedelta,
    ) -> None:
        clock, randomness = system.clock, system.randomness
        verifications = repositories.phone_verifications
        self.find_user = FindUser(
            repositories.identities, verifications, identities.phone_holds, keyed_hashes
        )
        self.record_act = record_act
        limits = TokenLimits(repositories.limit_store, clock)
        self.list_audit = ListAudit(repositories.audit_log, repositories.identities, keyed_hashes)
        self.view_phone = ViewPhone(self.record_act, limits)
        self.view_user = ViewUser(identities.get_user, self.view_phone)
        self.show_user = ShowUser(
            find_user=self.find_user,
            view_phone=self.view_phone,
            describe_verification=otp.describe_verification,
            delivery_reports=repositories.delivery_reports,
            media_usages=repositories.media_usages,
            calls=repositories.calls,
            clock=clock,
            quota=quota,
        )
        self.act_for_users = ActForUsers(
            find_user=self.find_user,
            record_act=self.record_act,
            operator_actions=identities.operator_actions,
            reset_phone_limits=otp.reset_limits,
            request_otp=otp.request_otp,
            delete_user=identities.delete_user,
            move_phone=phone_change.move_phone,
            limits=limits,
            phone_verifications=verifications,
            clock=clock,
            call_retention=call_retention,
        )
        self.tokens = AdministerTokens(
            repositories.service_tokens, self.record_act, clock, randomness
        )
        self.authenticate_token = AuthenticateServiceToken(
            repositories.service_tokens, limits, clock
        )

    def list_retained_data(self) -> Sequence[RetainedData]:
        """Return what remains of an account that is deleted now."""
        act = self.act_for_users
        return list_retained_data(act.clock.now(), act.call_retention)
