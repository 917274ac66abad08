/** A PNG of 32 × 32: a rounded square with a triangle in it. In the text, since a tray needs it before any file of the page is read. */
export const TRAY_ICON =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAYAAABzenr0AAAAyklEQVR42mNgGAVYgHXtDXkg7gfi80D8n0J8HmqWPLGWxwPxeypYjI5BZsYTY/l/GuN4fMH+ng4OeI81OqDx9J9OuB+bA87T0QHnsTngPz0x2Q44d+/r/+DeOwPnABiYu+/1f/fWWwPnABD49O3P/5a1zwbOATAAipacuQ8HzgEwsPXcB6KjhSYOgEULKH0MmANg4Nm7X3ijZfg6YECjYMAS4YBlwwEtiAasKB7wyoiW1fGAN0gGvEk2sI3SAW+WD4qOyaDomo04AACpjv8UkpMB5QAAAABJRU5ErkJggg==';
