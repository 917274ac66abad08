/**
 * Why a connection is closed before TLS has begun, in the one form that every TLS client understands: an alert in
 * plaintext, RFC 8446 section 6.
 */
const ALERT_DESCRIPTION = {
  /** access_denied: this uid may not come in. */
  notAllowed: 49,
  /** internal_error: there is no room for another connection. */
  tooMany: 80,
} as const;

export type RefusalAlert = keyof typeof ALERT_DESCRIPTION;

/** Record type alert (21), version 3.3, length 2, level fatal (2). */
export function encodeAlert(alert: RefusalAlert): Buffer {
  return Buffer.from([21, 3, 3, 0, 2, 2, ALERT_DESCRIPTION[alert]]);
}
