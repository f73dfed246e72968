// SPDX-License-Identifier: MIT OR Apache-2.0
/** What is asked of thagd, and with which right. */

/** The address with the token of thagd --token, where the page's own has one. */
export function withToken(address: string): string {
  const token = new URLSearchParams(location.search).get("token");
  if (token === null) return address;
  return `${address}${address.includes("?") ? "&" : "?"}token=${encodeURIComponent(token)}`;
}
