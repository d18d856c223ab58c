"""The table of contents: everything that can be done."""

from dataclasses import dataclass

from application.identities.authenticate import Authenticate
from application.identities.block_phone import BlockPhone
from application.identities.create_user import CreateUser
from application.identities.delete_user import DeleteUser
from application.identities.demote_user import DemoteUser
from application.identities.end_session import EndSession
from application.identities.list_sessions import ListSessions
from application.identities.promote_user import PromoteUser
from application.identities.read_user import ReadUser
from application.identities.refresh_session import RefreshSession
from application.identities.rename_user import RenameUser
from application.identities.sign_out import SignOut
from application.identities.sign_out_phone import SignOutPhone
from application.identities.unblock_phone import UnblockPhone
from application.media.categorise_item import CategoriseItem
from application.media.delete_item import DeleteItem
from application.media.open_file import OpenFile
from application.media.read_item import ReadItem
from application.media.read_page import ReadPage
from application.media.upload_picture import UploadPicture
from application.operations.check_readiness import CheckReadiness
from application.operations.read_key_set import ReadKeySet
from application.operations.sweep import Sweep
from application.sign_in.request_code import RequestCode
from application.sign_in.verify_code import VerifyCode


@dataclass(frozen=True, slots=True)
class UseCases:
    """Every use case, wired to its ports."""

    request_code: RequestCode
    verify_code: VerifyCode

    authenticate: Authenticate
    refresh_session: RefreshSession
    list_sessions: ListSessions
    end_session: EndSession
    sign_out: SignOut
    create_user: CreateUser
    read_user: ReadUser
    rename_user: RenameUser
    delete_user: DeleteUser

    promote_user: PromoteUser
    demote_user: DemoteUser
    block_phone: BlockPhone
    unblock_phone: UnblockPhone
    sign_out_phone: SignOutPhone

    upload_picture: UploadPicture
    read_page: ReadPage
    read_item: ReadItem
    categorise_item: CategoriseItem
    delete_item: DeleteItem
    open_file: OpenFile

    check_readiness: CheckReadiness
    read_key_set: ReadKeySet
    sweep: Sweep
