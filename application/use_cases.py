"""The table of contents: everything that can be done."""

from dataclasses import dataclass

from application.identities.authenticate import Authenticate
from application.identities.block_phone import BlockPhone
from application.identities.create_user import CreateUser
from application.identities.delete_user import DeleteUser
from application.identities.demote_user import DemoteUser
from application.identities.get_user import GetUser
from application.identities.list_sessions import ListSessions
from application.identities.logout import Logout
from application.identities.promote_user import PromoteUser
from application.identities.refresh_session import RefreshSession
from application.identities.rename_user import RenameUser
from application.identities.revoke_phone_sessions import RevokePhoneSessions
from application.identities.revoke_session import RevokeSession
from application.identities.unblock_phone import UnblockPhone
from application.media.categorize_item import CategorizeItem
from application.media.delete_item import DeleteItem
from application.media.get_item import GetItem
from application.media.list_items import ListItems
from application.media.open_file import OpenFile
from application.media.upload_image import UploadImage
from application.operations.check_readiness import CheckReadiness
from application.operations.cleanup import Cleanup
from application.operations.get_jwks import GetJwks
from application.otp.request_otp import RequestOtp
from application.otp.verify_otp import VerifyOtp


@dataclass(frozen=True, slots=True)
class UseCases:
    """Every use case, wired to its ports."""

    request_otp: RequestOtp
    verify_otp: VerifyOtp

    authenticate: Authenticate
    refresh_session: RefreshSession
    list_sessions: ListSessions
    revoke_session: RevokeSession
    logout: Logout
    create_user: CreateUser
    get_user: GetUser
    rename_user: RenameUser
    delete_user: DeleteUser

    promote_user: PromoteUser
    demote_user: DemoteUser
    block_phone: BlockPhone
    unblock_phone: UnblockPhone
    revoke_phone_sessions: RevokePhoneSessions

    upload_image: UploadImage
    list_items: ListItems
    get_item: GetItem
    categorize_item: CategorizeItem
    delete_item: DeleteItem
    open_file: OpenFile

    check_readiness: CheckReadiness
    get_jwks: GetJwks
    cleanup: Cleanup
