"""Rate limits in Redis or Valkey. Only this package imports the client of Redis."""

from adapters.databases.redis.limit_store import RedisLimitStore
from adapters.databases.redis.opening import inspect_server, open_redis_limits

__all__ = ["RedisLimitStore", "inspect_server", "open_redis_limits"]
