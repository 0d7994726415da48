/** What the HTTP servers of this program have in common: where they listen, and who may ask. */
@NullMarked
package org.minpro.web;

import org.jspecify.annotations.NullMarked;
