-- Finds the open invitations among all verifications.
CREATE INDEX verifications_invitations ON verifications (created_at, id)
  WHERE purpose = 'invitation' AND ended_at IS NULL;
