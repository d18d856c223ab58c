"""The acts in a change of a record: what has to be repeated after an older record was restored."""

from domain.administration.audit import AuditAction
from domain.identities.identity import Identity
from domain.otp.phone_verification import PhoneVerification


def list_identity_acts(former: Identity, changed: Identity) -> list[AuditAction]:
    """Return what was done to an identity: deletion, phone, role, restoration, end of sessions.

    - A block is one of its phone: see `list_phone_acts`.
    - A change of the phone and a promotion end sessions too, which is not named in addition.
    - A new passkey is no act: it ends sessions of the console only. For those that were removed see
      `list_removed_passkeys`.
    - The loss of a recycled phone is no act: the next login of the phone would cause it again.
    """
    if changed.is_deleted:
        return [] if former.is_deleted else [AuditAction.DELETE]
    phone_acts = [_name_change(changed)] if former.phone != changed.phone else []
    if changed.detached_at is not None:
        # An identity whose number was disowned is detached if its former number is not free.
        return phone_acts
    acts = []
    if former.detached_at is not None:
        acts.append(AuditAction.RESTORE)
    acts += phone_acts
    if former.role is not changed.role:
        acts.append(AuditAction.PROMOTE if changed.is_staff else AuditAction.DEMOTE)
    have_ended = former.session_version != changed.session_version
    has_same_passkeys = [each.id for each in former.passkeys] == [
        each.id for each in changed.passkeys
    ]
    if have_ended and not acts and not changed.is_blocked and has_same_passkeys:
        acts.append(AuditAction.SIGN_OUT)
    return acts


def list_removed_passkeys(former: Identity, changed: Identity) -> list[str]:
    """Return the ids of the passkeys that were removed, but by a deletion.

    Those that ended with the role are named: if it is given again, nothing else says that an older
    record has passkeys too many.
    """
    if changed.is_deleted:
        return []
    kept = {passkey.id for passkey in changed.passkeys}
    return [passkey.id for passkey in former.passkeys if passkey.id not in kept]


def _name_change(changed: Identity) -> AuditAction:
    change = changed.phone_change
    if change is not None and change.is_disown:
        return AuditAction.DISOWN_PHONE
    is_undo = change is not None and change.is_undo
    return AuditAction.UNDO_PHONE_CHANGE if is_undo else AuditAction.CHANGE_PHONE


def list_phone_acts(former: PhoneVerification, changed: PhoneVerification) -> list[AuditAction]:
    """Return whether a phone was blocked or unblocked."""
    was_blocked, is_blocked = former.blocked_at is not None, changed.blocked_at is not None
    if was_blocked == is_blocked:
        return []
    return [AuditAction.BLOCK if is_blocked else AuditAction.UNBLOCK]
