/** Key of this project's description of a network, in the metadata of files and in `config.json`. */
export const descriptionKey = 'poster_v2';
