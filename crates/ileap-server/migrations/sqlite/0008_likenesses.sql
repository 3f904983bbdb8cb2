-- How users looked when Clerk last told of them: digests. What looks the same again is no news, for any instance.
CREATE TABLE user_likenesses (
    subject TEXT    NOT NULL PRIMARY KEY,
    digest  BLOB    NOT NULL,
    seen_at INTEGER NOT NULL -- Unix nanoseconds
) WITHOUT ROWID;

CREATE INDEX user_likenesses_by_age ON user_likenesses (seen_at);
