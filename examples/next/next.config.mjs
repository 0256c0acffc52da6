/** On the server the package is left in node_modules: it needs files that a bundle does not hold. */
export default { serverExternalPackages: ['poster-v2'] };
