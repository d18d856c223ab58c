"""The Flask service of the bench, as its packages' documentation builds one."""

import json
import os
from typing import Any

import click
from bson import ObjectId
from flask import Flask, Response, jsonify
from flask_jwt_extended import JWTManager, create_access_token, get_jwt_identity, jwt_required
from flask_pymongo import PyMongo

app = Flask(__name__)
app.config["MONGO_URI"] = os.environ["MONGO_URI"]
app.config["JWT_SECRET_KEY"] = os.environ["JWT_SECRET_KEY"]
app.config["JWT_ACCESS_TOKEN_EXPIRES"] = False
mongo = PyMongo(app)
jwt = JWTManager(app)


@app.get("/health/live")
def get_liveness() -> dict[str, str]:
    """Respond without reading anything."""
    return {"status": "ok"}


@app.get("/users/me")
@jwt_required()
def get_own_user() -> Response:
    """Return the user of the token."""
    user: dict[str, Any] = mongo.db.users.find_one_or_404({"_id": ObjectId(get_jwt_identity())})
    return jsonify(
        user_id=str(user["_id"]),
        username=user["username"],
        number=user["number"],
        created_at=user["created_at"],
    )


@app.cli.command("create-users")
@click.argument("count", type=int)
def create_users(count: int) -> None:
    """Create users, and print their ids and tokens; the bench needs no login."""
    users = [
        {
            "_id": ObjectId(),
            "username": f"user {number}",
            "number": f"+1206{2_000_000 + number}",
            "created_at": "2026-05-01T09:30:00Z",
        }
        for number in range(count)
    ]
    mongo.db.users.insert_many(users)
    user_ids = [str(user["_id"]) for user in users]
    tokens = [(user_id, create_access_token(identity=user_id)) for user_id in user_ids]
    click.echo(json.dumps(tokens))
