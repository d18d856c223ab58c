"""How many messages, logins, rejections and security events there were in each hour."""
