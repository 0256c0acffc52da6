/**
 * Endings of picture files: of the formats that can be read, and of common ones that cannot (HEIC, JPEG XL, JPEG 2000,
 * PNM). A picture of the latter is told where it is read; a file with any other ending is passed over.
 *
 * JPEG has the most: browsers on Windows save `.jfif`, older programs `.jpe`, `.jif`, `.pjpeg`.
 */
export const pictureName =
  /\.(jpe?g|jpe|jfif|jfi|jif|pjpe?g|pjp|a?png|webp|gif|tiff?|avifs?|bmp|dib|p[bgnp]m|hei[cf]s?|hif|jxl|jp2|j2k)$/i;
