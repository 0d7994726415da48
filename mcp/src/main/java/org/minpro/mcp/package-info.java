/** Tools of servers that speak the Model Context Protocol. */
@NullMarked
package org.minpro.mcp;

import org.jspecify.annotations.NullMarked;
