/** What comes into the form from elsewhere. */

const LINE =
  /^\s*(?:[$#%]\s+)?(?:sudo\s+)?(?:[A-Za-z_]\w*=\S*\s+)*(?:\S*\/)?(?:(?:joblet|rnx)\s+(?:-\S+\s+)*job\s+run|(?:docker|podman)\s+(?:container\s+)?run)\s/;

/** Whether a text looks like a line that starts a job or a container somewhere else. */
export function isForeignLine(text: string): boolean {
  return LINE.test(text);
}
