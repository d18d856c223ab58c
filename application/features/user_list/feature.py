"""Build the use case of the list of users."""

from application.features.user_list.list_users import ListUsers, UserList
from application.use_cases import UseCases


class UserListFeature:
    """The list of users."""

    def __init__(self, core: UseCases, user_list: UserList) -> None:
        self.list_users = ListUsers(
            user_list=user_list,
            audit_log=core.repositories.audit_log,
            clock=core.system.clock,
            randomness=core.system.randomness,
        )
