"""All use cases."""

from application.identities.authenticate import Authenticate
from application.identities.operators import (
    BlockPhone,
    ChangeRole,
    RestoreIdentity,
    RevokePhoneSessions,
    UnblockPhone,
)
from application.identities.refresh_session import RefreshSession
from application.identities.sessions import ListSessions, Logout, RevokeSession
from application.identities.users import CreateUser, DeleteUser, GetUser, RenameUser
from application.media.library import CategorizeItem, DeleteItem, GetItem, ListItems
from application.media.open_file import OpenFile
from application.media.retry_deletions import ScheduledRetryDeletions
from application.media.upload_image import UploadImage
from application.operations.check_readiness import CheckReadiness
from application.operations.cleanup import Cleanup, ScheduledCleanup
from application.operations.get_jwks import GetJwks
from application.otp.delivery_status import GetDeliveryStatus, ReportDelivery
from application.otp.request_callback import RequestCallback
from application.otp.request_otp import RequestOtp
from application.otp.verify_otp import VerifyOtp
from application.voice.answer_call import AnswerCall
from application.voice.answer_code_call import AnswerCodeCall
from application.voice.calls import ListCalls, OpenRecording
from application.voice.keep_recording import KeepRecording
from application.voice.record_call_status import RecordCallStatus
from domain.values import dataclass


@dataclass(frozen=True, slots=True)
class UseCases:
    """Every use case with its ports."""

    request_otp: RequestOtp
    verify_otp: VerifyOtp
    request_callback: RequestCallback
    report_delivery: ReportDelivery
    get_delivery_status: GetDeliveryStatus

    authenticate: Authenticate
    refresh_session: RefreshSession
    list_sessions: ListSessions
    revoke_session: RevokeSession
    logout: Logout
    create_user: CreateUser
    get_user: GetUser
    rename_user: RenameUser
    delete_user: DeleteUser

    change_role: ChangeRole
    block_phone: BlockPhone
    unblock_phone: UnblockPhone
    revoke_phone_sessions: RevokePhoneSessions
    restore_identity: RestoreIdentity

    upload_image: UploadImage
    list_items: ListItems
    get_item: GetItem
    categorize_item: CategorizeItem
    delete_item: DeleteItem
    open_file: OpenFile

    answer_call: AnswerCall
    answer_code_call: AnswerCodeCall
    record_call_status: RecordCallStatus
    keep_recording: KeepRecording
    list_calls: ListCalls
    open_recording: OpenRecording

    check_readiness: CheckReadiness
    get_jwks: GetJwks
    cleanup: Cleanup
    scheduled_cleanup: ScheduledCleanup
    retry_deletions: ScheduledRetryDeletions
