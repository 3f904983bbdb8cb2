-- How users looked when Clerk last told of them: digests. What looks the same again is no news, for any instance.
CREATE TABLE user_likenesses (
    subject TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    digest  BYTEA            NOT NULL,
    seen_at BIGINT           NOT NULL -- Unix nanoseconds
);

CREATE INDEX user_likenesses_by_age ON user_likenesses (seen_at);
